/** What went wrong and what to do next, said plainly where the answer would have been. */
import type { ComponentChildren } from "preact";
import type { Refusal } from "../http.ts";
import { words } from "../language/spoken.ts";
import { Sign } from "./icon.tsx";

export function Notice({
  tone,
  title,
  children,
}: {
  readonly tone: "calm" | "warn" | "error";
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class={`notice notice-${tone}`} role={tone === "error" ? "alert" : "status"}>
      {tone !== "calm" && <Sign name="alert" />}
      <div>
        <strong>{title}</strong>
        {children}
      </div>
    </div>
  );
}

export function Refused({ refusal, title }: { readonly refusal: Refusal; readonly title: string }) {
  return (
    <Notice tone={refusal.status === 404 ? "calm" : "warn"} title={title}>
      <Told refusal={refusal} />
    </Notice>
  );
}

/** In the reader's words as far as there are any; the twin's own are English. */
export function Told({ refusal: { status, title, detail, next } }: { readonly refusal: Refusal }) {
  const known = words.problems[title];
  // The twin's advice is for whoever asks its API; a person at the page has other ways.
  const advice = status === 404 ? words.twin.findOther : undefined;
  return (
    <>
      {known !== undefined && <p>{known}</p>}
      <p class={known === undefined ? undefined : "soft"} lang="en">
        {detail}
      </p>
      {advice !== undefined && <p class="soft">{advice}</p>}
      {known === undefined && advice === undefined && (
        <p class="soft" lang="en">
          {next}
        </p>
      )}
    </>
  );
}

/** Stands above an answer that may be old, or in its place. */
export function Unreachable({ old }: { readonly old: boolean }) {
  return (
    <Notice tone="warn" title={words.twin.silent}>
      <p>
        {old ? `${words.twin.old} ` : ""}
        {words.twin.trying}
      </p>
    </Notice>
  );
}
