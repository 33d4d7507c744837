/** A frame of a scanner as an event for the outbox. */

import { decodeScan } from "../barcode/decode.ts";
import { type Marked, type Marking, mark } from "../devices/scanners/mark.ts";
import type { FramingName } from "../devices/scanners/profile.ts";
import type { Clock, NewEvent, OutboxPort } from "../ports.ts";
import { encodeEvent, type Framing } from "../wire/codec.ts";
import { createOrigins } from "./origin.ts";
import type { ScannerConfig } from "./scanner-config.ts";

const FRAMINGS: Readonly<Record<FramingName["kind"], Framing>> = {
  delimiter: "delimiter",
  "stx-etx": "stx-etx",
  gap: "gap",
  length: "length",
  ssi: "packet",
  keys: "text",
};

/** Of an AIM identifier. */
const BRACKET = 0x5d;

export type ScanEvents = {
  /** Of a scanner that cannot repeat: each frame is a scan of its own. */
  plain(frame: Uint8Array): NewEvent;
  /**
   * Of a scanner that may repeat; `again`: it is on disk already as far as we know; `suspected`: it is
   * kept as a scan of its own, and may be none.
   */
  repeatable(frame: Uint8Array, how: { again: boolean; suspected: boolean }): NewEvent;
  /** The scan fails the checks of what it claims to be: no twin is needed to say that. */
  isMisread(frame: Uint8Array): boolean;
};

export function createScanEvents(
  { clock, outbox }: { readonly clock: Clock; readonly outbox: OutboxPort },
  scanner: ScannerConfig,
): ScanEvents {
  const origins = createOrigins();
  const marking: Marking = {
    aim: scanner.aim,
    codeId: scanner.codeId,
    separator: scanner.separator,
    unmarked: scanner.unmarked,
  };

  function marked(frame: Uint8Array): Marked {
    const ssi = scanner.framing.kind === "ssi";
    return ssi ? mark(frame.subarray(1), marking, frame[0]) : mark(frame, marking);
  }

  /** A command is an act of the operator each time: nothing may ever make one of two. */
  function isCommand(frame: Uint8Array): boolean {
    const { raw } = marked(frame);
    return decodeScan(raw, { aim: raw[0] === BRACKET }).kind === "command";
  }

  function encode(frame: Uint8Array, suspected = false): Uint8Array {
    const { raw, aim, sent } = marked(frame);
    return encodeEvent({
      boot: outbox.state("scan").boot,
      gatewayTimeMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      clock: clock.quality(),
      sourceTimeMs: undefined,
      device: scanner.id,
      body: {
        kind: "scan",
        raw,
        framing: FRAMINGS[scanner.framing.kind],
        aim,
        step: undefined,
        operator: undefined,
        documentMode: undefined,
        ...(sent && { sent }),
        ...(suspected && { suspectedRepeat: true }),
      },
    });
  }

  return {
    plain: (frame) => ({ bytes: encode(frame), origin: undefined }),
    repeatable: (frame, { again, suspected }) => ({
      bytes: encode(frame, suspected && !isCommand(frame)),
      origin: origins.ofScan(scanner.id, frame),
      retransmission: again,
    }),
    isMisread(frame) {
      const { raw } = marked(frame);
      return decodeScan(raw, { aim: raw[0] === BRACKET }).kind === "misread";
    },
  };
}
