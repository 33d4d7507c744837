/**
 * What strangers cause, told so that they fill neither a journal nor the memory: of the same matter a line is
 * written at once, and then one for all that followed within the next ten seconds. Who has a name is
 * told apart from others of his address, up to so many; names are the stranger's own words, and he may
 * have any number of them.
 */
export type Seldom = {
  /** `name`: empty where all of one address are alike. `details` stand in the first line. */
  tell(
    of: { readonly why: string; readonly address: string; readonly name: string },
    details: object,
  ): void;
};

const QUIET_MS = 10_000;
/** Matters that are told apart at one time, and of these so many of one address by name. */
const APART_MAX = 256;
const NAMES_MAX = 16;

export function createSeldom(
  write: (told: { readonly why: string; readonly address: string }, details: object) => void,
  after: (ms: number, fn: () => void) => unknown,
): Seldom {
  const quiet = new Map<string, { more: number }>();
  const names = new Map<string, number>();

  /** It was not told within the last seconds: as what it is told now. */
  function toldAs(why: string, address: string, name: string) {
    if (quiet.size >= APART_MAX) return { why, address: "any", name: "" };
    const isOneTooMany = name !== "" && (names.get(address) ?? 0) >= NAMES_MAX;
    return { why, address, name: isOneTooMany ? "" : name };
  }

  return {
    tell(of, details) {
      const told = quiet.has(keyOf(of)) ? of : toldAs(of.why, of.address, of.name);
      const key = keyOf(told);
      const silent = quiet.get(key);
      if (silent !== undefined) {
        silent.more += 1;
        return;
      }
      const { why, address, name } = told;
      write({ why, address }, details);
      const since = { more: 0 };
      quiet.set(key, since);
      if (name !== "") names.set(address, (names.get(address) ?? 0) + 1);
      after(QUIET_MS, () => {
        quiet.delete(key);
        if (name !== "") forget(address);
        const { more } = since;
        if (more > 0) write({ why, address }, { ...(name !== "" && details), more });
      });
    },
  };

  function forget(address: string): void {
    const left = (names.get(address) ?? 0) - 1;
    if (left > 0) names.set(address, left);
    else names.delete(address);
  }
}

function keyOf({ why, address, name }: Parameters<Seldom["tell"]>[0]): string {
  return `${why} ${address} ${name}`;
}
