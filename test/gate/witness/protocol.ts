/** What a gate says to its witness, each answered once; and what it hears. */
import type { ScannerKind } from "./desk.ts";

export type Wish =
  /** Ttys first: the gateway's configuration names them. */
  | {
      readonly kind: "open";
      readonly folder: string;
      readonly scanners: readonly ScannerKind[];
      /** How long a hand takes from one label to the next, beside what the scanner takes; undefined: none. */
      readonly handMs?: number;
    }
  | {
      readonly kind: "load";
      readonly mqttUrl: string;
      readonly publishers: number;
      readonly paceMs: number;
    }
  | { readonly kind: "tally" }
  /** The cable of a scanner is pulled, and put back after so long. */
  | { readonly kind: "unplug"; readonly scanner: number; readonly ms: number }
  /** No more load; resolves once all that is under way was answered. */
  | { readonly kind: "rest" }
  | {
      readonly kind: "judge";
      /** The twin's address. */
      readonly http: string;
      readonly headers: Readonly<Record<string, string>>;
    };

export type Answer = {
  readonly open: { readonly paths: readonly string[] };
  readonly load: null;
  readonly tally: Tally;
  readonly unplug: null;
  readonly rest: Tally;
  readonly judge: Judgement;
};

export type Tally = { readonly readings: number; readonly scans: number };

export type Judgement = {
  readonly readings: number;
  readonly scans: number;
  /** Accepted, and absent from the twin. */
  readonly lost: readonly string[];
  /** More than once in the twin's evidence. */
  readonly doubled: readonly string[];
  /** Scans that the twin tells as perhaps the one before them, sent again. */
  readonly suspected: number;
  /** Readings in the evidence, and in what follows from it. */
  readonly inEvidence: number;
  readonly inSeries: number;
  /** Events of other readings than the witness's own. */
  readonly others: number;
  readonly plain: { readonly scanned: number; readonly lost: number };
};
