/** What is said of a scan on the device that made it: how far it has come, and what the twin says of it. */
import type { CodeName } from "./code.ts";

export type Verdict = { readonly kind: string; readonly reason: string };

export type Order = "item-first" | "container-first";

/** `lost`: it could not be kept; nothing but this page knows of it. */
export type Mark = "read" | "kept" | "saved" | "judged" | "lost";

export type ShownScan = {
  readonly id: string;
  readonly mark: Mark;
  readonly name: CodeName;
  readonly timeMs: number;
  readonly verdict: Verdict | undefined;
};
