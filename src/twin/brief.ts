/**
 * News in as few words as the page needs: things and places by key, kind and name, evidence by its
 * gateway. A row of the feed has a path of five places, and who opens the page on a slow line waits for a
 * hundred of them; what else there is of a thing is asked when a person opens it.
 *
 * What a reader of the brief form may rely on: each name that is there means what it means in the whole
 * form. Programs get the whole form unless they ask otherwise.
 */
import type { News } from "./news.ts";

type Said = Readonly<Record<string, unknown>>;

/** The data of a piece of news, shorter; `json` itself where there is nothing to leave out. */
export function briefly(kind: News["kind"], json: string): string {
  switch (kind) {
    case "moved":
    case "seen":
      return JSON.stringify(whereabouts(JSON.parse(json)));
    case "correction": {
      const { at, answer } = JSON.parse(json) as { at: string; answer: Said };
      return JSON.stringify({ at, answer: whereabouts(answer) });
    }
    case "retraction": {
      const { key, at } = JSON.parse(json) as Said;
      return JSON.stringify({ key, at });
    }
    case "scan": {
      const { elementString: _, ...rest } = JSON.parse(json) as Said;
      return JSON.stringify(rest);
    }
    default:
      return json;
  }
}

function whereabouts(answer: Said): Said {
  const { state, since, lastSeen, certainty, path, evidence } = answer;
  const [cited] = evidence as readonly Said[];
  return {
    ...named(answer),
    ...{ state, since, lastSeen, certainty },
    path: (path as readonly Said[]).map(named),
    evidence: cited === undefined ? [] : [{ gateway: cited["gateway"] }],
  };
}

function named({ key, kind, name }: Said): Said {
  return name === null || name === "" ? { key, kind } : { key, kind, name };
}
