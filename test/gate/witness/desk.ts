/**
 * Scanners on ttys of their own, and the people who use them. One that is answered is used until it says
 * that the label is kept: that is acceptance. A plain one is used while somebody holds its port; nobody
 * promises anything, so its losses are counted, never judged.
 */
import { createHostAckScanner } from "../../../firmware-sim/host-ack.ts";
import { createSleep } from "../../../firmware-sim/pace.ts";
import { createSsiScanner } from "../../../firmware-sim/ssi.ts";
import { openTty } from "../../../firmware-sim/tty.ts";
import { pause } from "../gate.ts";

export type ScannerKind = "ssi" | "host-ack" | "plain";

export type Desk = {
  readonly paths: readonly string[];
  begin(): void;
  /** Resolves when the cable is back. */
  unplug(scanner: number, ms: number): Promise<void>;
  /** Resolves once the last scan of each is told. */
  finish(): Promise<void>;
  /** Labels scanned on plain lines. */
  plain(): readonly string[];
  close(): void;
};

/** The serial response time-out that the gateway of a gate is configured with. */
export const ANSWER_MS = 700;
const PACE_MS = 15;
/** A line that was opened a moment ago may still be being set up. */
const OPEN_MS = 250;
/** A document, or the folder that the ones before it go into. */
const LABEL = /(?:2539521234000013|800309521234005001)[A-Z]\d{7}/;
const FOLDER_EACH = 20;

/** The label within what the twin shows of a scan. */
export const labelIn = (text: string): string => LABEL.exec(text)?.[0] ?? text;

export function openDesk(
  accepted: (label: string) => void,
  {
    folder,
    kinds,
    handMs,
  }: {
    readonly folder: string;
    readonly kinds: readonly ScannerKind[];
    readonly handMs: number;
  },
): Desk {
  const sleep = createSleep(new AbortController().signal);
  const plain: string[] = [];
  let going = false;
  const scanners = kinds.map((kind, at) => {
    const tty = openTty({ nowMs: Date.now, sleep }, folder, `scanner-${at}`);
    const label = (n: number) => {
      const type = n % FOLDER_EACH === 0 ? "800309521234005001" : "2539521234000013";
      return `${type}${String.fromCharCode(65 + at)}${String(n).padStart(7, "0")}`;
    };
    if (kind === "plain") {
      const use = async () => {
        for (let n = 1; going; await pause(PACE_MS + handMs)) {
          const openSinceMs = tty.openSinceMs();
          if (openSinceMs === undefined || Date.now() - openSinceMs < OPEN_MS) continue;
          plain.push(label(n));
          await tty.write(Buffer.from(`]d2${label(n)}\r`));
          n += 1;
        }
      };
      return { tty, use, close() {} };
    }
    const scanner =
      kind === "ssi"
        ? createSsiScanner(tty, { timeoutMs: ANSWER_MS, type: 0xc1 })
        : createHostAckScanner(tty, { timeoutMs: ANSWER_MS, suffix: "\r" });
    /** With Host ACK any command ends the wait; low tones say that the label was not saved. */
    const isKept = async (text: string) => {
      const heard = scanner.tones.length;
      const { how } = await scanner.scan(`]d2${text}`);
      await pause(PACE_MS);
      return (
        how === "acknowledged" &&
        (kind !== "host-ack" || !scanner.tones.slice(heard).includes("low"))
      );
    };
    const use = async () => {
      // An error tone means that the label is scanned again: the scan ends when it is told as kept.
      for (let n = 1; going; n++) {
        while (!(await isKept(label(n))));
        accepted(label(n));
        await pause(handMs);
      }
    };
    return { tty, use, close: scanner.close };
  });
  let used: Promise<unknown> = Promise.resolve();

  return {
    paths: scanners.map(({ tty }) => tty.path),
    begin() {
      going = true;
      used = Promise.all(scanners.map(({ use }) => use()));
    },
    async unplug(scanner, ms) {
      const tty = scanners[scanner]?.tty;
      tty?.unplug();
      await pause(ms);
      tty?.plug();
    },
    async finish() {
      going = false;
      await used;
    },
    plain: () => plain,
    close() {
      for (const { tty, close } of scanners) {
        close();
        tty.close();
      }
    },
  };
}
