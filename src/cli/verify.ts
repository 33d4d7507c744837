/**
 * `racktrace verify`: proves that no event was altered, removed or inserted since its gateway signed it, in
 * the evidence of a twin or in an exported file; names the first that was. Reads only, also beside a twin
 * that runs. The exit status is 1 when anything is found, and when there was nothing to prove: a name that is
 * mistyped, or a period before the first event, would pass for evidence that holds.
 */
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { evidenceFault } from "../store/damage.ts";
import { type Database, openReader } from "../store/database.ts";
import {
  openProofSource,
  type Period,
  type PositionGap,
  type ProofNumbering,
} from "../store/proof-source.ts";
import type { SignerRow } from "../store/seals.ts";
import { createProofs, type Finding, type Proven } from "../twin/proof.ts";
import { fingerprintOf } from "../wire/chain.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import { forTerminal, wordForTerminal } from "./for-terminal.ts";
import { createProgress, type Progress } from "./progress.ts";
import { createProofFile, openProofFile, type ProofMaterial } from "./proof-file.ts";
import { instantOf } from "./question.ts";
import { readTwinConfig } from "./twin-config.ts";
import { EVIDENCE_FILE } from "./twin-files.ts";

type Options = {
  readonly config?: string;
  readonly data?: string;
  readonly from?: number;
  readonly to?: number;
  readonly gateway?: string;
  readonly export?: string;
  readonly since?: string;
  readonly file?: string;
  readonly json?: boolean;
};

type Report = {
  readonly proven: readonly Proven[];
  readonly signers: readonly SignerRow[];
  readonly gaps: readonly PositionGap[];
};

const FINDINGS_SHOWN = 20;

const HELP = `
What it proves: each event of the period is to the byte what its gateway signed, none is missing between what
stands before it and behind it, none is there that was not signed.
What it cannot prove:
  a tail, a whole numbering, or all signatures of a gateway and its key, that were removed together with
    everything that tells of it: keep an export now and then, and compare with --since FILE;
  that a key is the gateway's: who has the twin's files can put his own in its place and sign all anew.
    Compare the fingerprint of each with the one that its gateway shows (racktrace gateway key), by telephone;
  what the holder of a gateway's signing key made up;
  what was before the gateway signed, and what browsers sent: counted as unsigned;
  the twin's own time of taking in, and the order between gateways: no gateway signs those.`;

export function define(command: Command): void {
  command
    .option("--config <FILE>", "the twin's configuration")
    .option("--data <DIR>", "the twin's data folder")
    .option(
      "--from <TIME>",
      "taken in from then on; ISO 8601, local time unless it says otherwise",
      time,
    )
    .option("--to <TIME>", "and until then", time)
    .option("--gateway <NAME>", "of this gateway only")
    .option("--export <FILE>", "write what was looked at to a file that proves itself elsewhere")
    .addOption(
      // What was quiet in a period, or goes on behind it, would be missed as if it had been removed.
      new Option(
        "--since <FILE>",
        "an earlier export: what it ends with must still be here",
      ).conflicts(["from", "to"]),
    )
    .addOption(
      // The others choose what is proven, and of a file it is all: passed over they would pass for done.
      new Option("--file <FILE>", "prove an exported file instead; needs no twin").conflicts([
        ...["config", "data", "from", "to", "gateway", "export"],
      ]),
    )
    .option("--json", "as one JSON object")
    .addHelpText("after", HELP)
    .action((options: Options) => {
      const heads = options.since === undefined ? [] : ofFile(options.since, []).proven;
      const report =
        options.file === undefined ? ofTwin(options, heads) : ofFile(options.file, heads);
      process.stdout.write(options.json === true ? `${jsonOf(report)}\n` : textOf(report));
      if (!holds(report)) process.exitCode = 1;
    });
}

function ofTwin(options: Options, heads: readonly Proven[]): Report {
  const { config, data } = options;
  const folder = resolve(readTwinConfig(config, data === undefined ? {} : { data }).data);
  const path = join(folder, EVIDENCE_FILE);
  let db: Database | undefined;
  try {
    db = openReader(path);
    const source = openProofSource(db);
    const period: Period = {
      ...{ fromMs: options.from, toMs: options.to, gateway: options.gateway },
    };
    const found = source.parts(period);
    const progress = createProgress(
      "events",
      found.reduce((sum, { events }) => sum + events, 0),
    );
    const material = { signers: source.signers(), parts: () => found };
    const asked = heads.filter(({ gateway }) => gateway === (options.gateway ?? gateway));
    const proven = proveAll(material, asked, progress, options.export);
    return { proven, signers: material.signers, gaps: source.gaps() };
  } catch (cause) {
    throw evidenceFault(path, cause);
  } finally {
    db?.close();
  }
}

/** What an earlier export ends with. */
function knownOf({ gateway, epoch }: ProofNumbering, heads: readonly Proven[]) {
  const of = heads.find((one) => one.gateway === gateway && one.epoch === epoch);
  return of?.head === undefined || of.headSeq === undefined
    ? undefined
    : { seq: of.headSeq, link: of.head };
}

/** A numbering that an earlier export has, and the evidence has not. */
function missingIn(
  found: readonly { readonly gateway: string; readonly epoch: string }[],
  head: Proven,
): readonly Proven[] {
  const { gateway, epoch, firstSeq, lastSeq } = head;
  if (found.some((one) => one.gateway === gateway && one.epoch === epoch)) return [];
  const detail = "an earlier export has this numbering, and nothing of it is here";
  const finding = { gateway, epoch, seq: firstSeq, lastSeq, timeMs: undefined, detail };
  return [{ ...head, signed: 0, unsigned: 0, findings: [{ what: "removed", ...finding }] }];
}

function ofFile(path: string, heads: readonly Proven[]): Report {
  const file = openProofFile(path);
  try {
    const proven = proveAll(file, heads, createProgress("events", 0));
    return { proven, signers: file.signers, gaps: [] };
  } finally {
    file.close();
  }
}

function proveAll(
  { signers, parts }: ProofMaterial,
  heads: readonly Proven[],
  progress: Progress,
  exportTo?: string,
): readonly Proven[] {
  const file = exportTo === undefined ? undefined : createProofFile(resolve(exportTo), signers);
  const proofOf = createProofs(signers);
  try {
    const proven: Proven[] = [];
    for (const { numbering, items } of parts()) {
      const proof = proofOf({ ...numbering, known: knownOf(numbering, heads) });
      file?.begin(numbering);
      for (const item of items) {
        proof.take(item);
        file?.put(item);
        if (item.kind === "segment") progress.add(item.events);
      }
      proven.push(proof.end());
    }
    file?.finish();
    return [...proven, ...heads.flatMap((head) => missingIn(proven, head))];
  } catch (error) {
    file?.abandon();
    throw error;
  } finally {
    progress.end();
  }
}

function holds(report: Report): boolean {
  const { signed, unsigned } = countEvents(report);
  return countFindings(report) === 0 && signed + unsigned > 0;
}

function countEvents({ proven }: Report) {
  const sum = (kind: "signed" | "unsigned") => proven.reduce((all, one) => all + one[kind], 0);
  return { signed: sum("signed"), unsigned: sum("unsigned") };
}

function countFindings({ proven, gaps }: Report): number {
  return gaps.length + proven.reduce((sum, { findings }) => sum + findings.length, 0);
}

/** The first is what a person asks for: by time, and by number where there is none. */
function inOrder({ proven }: Report): readonly Finding[] {
  const late = Number.MAX_SAFE_INTEGER;
  return proven
    .flatMap(({ findings }) => findings)
    .toSorted((a, b) => (a.timeMs ?? late) - (b.timeMs ?? late) || a.seq - b.seq);
}

function textOf(report: Report): string {
  const { proven, signers, gaps } = report;
  const found = inOrder(report);
  const lines = [
    ...found.slice(0, FINDINGS_SHOWN).map(findingText),
    ...(found.length > FINDINGS_SHOWN ? [`and ${found.length - FINDINGS_SHOWN} more`] : []),
    ...gaps.map(
      ({ after, before, timeMs }) =>
        `REMOVED  positions ${after} to ${before - 1}, before ${iso(timeMs)}: nothing stands there`,
    ),
    ...proven.map(numberingText),
    ...signers
      .filter(({ id }) => proven.some((one) => one.signers.includes(id)))
      .map(
        ({ gateway, key, how, sinceMs }) =>
          `${fingerprintOf(key)}  key of ${wordForTerminal(gateway)}, known since ${iso(sinceMs)}, ${HOW[how]}`,
      ),
    ...compareText(report),
    summaryText(report),
  ];
  return `${lines.map(forTerminal).join("\n")}\n`;
}

const HOW: Readonly<Record<SignerRow["how"], string>> = {
  enrolment: "by its enrolment",
  certificate: "over a line with its certificate",
  "by-hand": "by an administrator who compared it",
  "first-sight": "at first sight",
  own: "the twin's own",
};

/** Which keys those are, and how they came to be known, is the word of whoever has the files. */
function compareText({ proven, signers }: Report): readonly string[] {
  const used = new Set(proven.flatMap((one) => one.signers));
  if (!signers.some(({ id, gateway }) => used.has(id) && gateway !== OWN_NAME)) return [];
  return [
    "compare each gateway's key by telephone with what `racktrace gateway key` says there: all else rests on it",
  ];
}

function findingText({ what, gateway, epoch, seq, lastSeq, timeMs, detail }: Finding): string {
  const numbers = seq === lastSeq ? `${seq}` : `${seq} to ${lastSeq}`;
  const at = timeMs === undefined ? "" : `, ${iso(timeMs)}`;
  return `${what.toUpperCase()}  ${named(gateway, epoch)} ${numbers}${at}: ${detail}`;
}

function numberingText(one: Proven): string {
  const { gateway, epoch, lane, firstSeq, lastSeq } = one;
  const { signed, unsigned, gone, signers, headSeq, head } = one;
  const more = [
    `${signed} signed${signers.length > 1 ? ` by ${signers.length} keys` : ""}`,
    ...(unsigned > 0 ? [`${unsigned} unsigned`] : []),
    ...(gone > 0 ? [`${gone} declared gone`] : []),
    ...(head === undefined ? [] : [`head ${headSeq} ${fingerprintOf(head)}`]),
  ];
  return `${named(gateway, epoch)} ${lane}  ${firstSeq}-${lastSeq}  ${more.join(", ")}`;
}

function named(gateway: string, epoch: string): string {
  return `${wordForTerminal(gateway)} ${wordForTerminal(epoch)}`;
}

function summaryText(report: Report): string {
  const found = countFindings(report);
  const { signed, unsigned } = countEvents(report);
  const rest =
    unsigned === 0 ? "" : `; ${unsigned} carry no signature, and nothing is said of them`;
  if (found > 0) return `NOT AS IT WAS SIGNED: ${found} findings, the first above${rest}`;
  if (!holds(report)) return "NOTHING WAS PROVEN: no event is here of what was asked for";
  return `${signed} events are as they were signed, none is missing, none was added${rest}`;
}

function jsonOf(report: Report): string {
  const { proven, signers, gaps } = report;
  const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
  return JSON.stringify({
    holds: holds(report),
    findings: inOrder(report).map(({ timeMs, ...one }) => ({
      ...one,
      time: timeMs === undefined ? null : iso(timeMs),
    })),
    gaps: gaps.map(({ timeMs, ...one }) => ({ ...one, time: iso(timeMs) })),
    numberings: proven.map(({ findings: _findings, head, ...one }) => ({
      ...one,
      head: hex(head) ?? null,
    })),
    keys: signers.map(({ key, sinceMs, ...one }) => ({
      ...one,
      key: hex(key),
      fingerprint: fingerprintOf(key),
      since: iso(sinceMs),
    })),
  });
}

function time(text: string): number {
  return Date.parse(instantOf(text));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
