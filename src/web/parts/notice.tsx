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
      <p>{refusal.detail}</p>
      <p class="soft">{nextOf(refusal)}</p>
    </Notice>
  );
}

/** The twin's advice is for whoever asks its API; a person at the page has other ways. */
export function nextOf({ status, next }: Refusal): string {
  return status === 404 ? words.twin.findOther : next;
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
