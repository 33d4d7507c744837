/**
 * A backlog as a file: what waits at a gateway without a line, signed as it would be sent, carried to the
 * twin by hand. The gateway keeps all of it until the twin's own acknowledgement reaches it.
 */
import { join } from "node:path";
import { createFramedFile, openFramedFile } from "../io/framed-file.ts";
import { OUTBOX_FILE } from "../io/outbox-thread.ts";
import { readSigningKey } from "../io/signing-key.ts";
import { Fault } from "../kernel/fault.ts";
import type { Lane } from "../ports.ts";
import { openBacklog } from "../store/outbox-backlog.ts";
import { sealed } from "../wire/chain.ts";
import { encodeBatch, encodeHello } from "../wire/codec.ts";
import { createProgress } from "./progress.ts";

const TITLE = "racktrace backlog 1";
const KIND = { hello: 1, batch: 2 } as const;
const LANES: readonly Lane[] = ["scan", "telemetry"];
/**
 * A batch is compared with the moment at which it is taken in, to learn how far the gateway's clocks are out. The way of
 * a file takes days, and this program has not been running for as long as the gateway: of neither clock it says anything.
 */
const NOT_SAID = { sentAtMs: 0, sentMonotonicMs: 0 };
/** Below what the twin takes at once, and as much as pays to compress. */
const PIECE = { events: 2_048, bytes: 768 * 1024 };

export type Exported = Readonly<Record<Lane, number>>;

/** Throws Fault DATA_UNREADABLE or STORE_CORRUPT; then there is no file. */
export function exportBacklog(folder: string, gateway: string, path: string): Exported {
  const signer = readSigningKey(folder);
  if (signer === undefined)
    throw new Fault(
      "DATA_UNREADABLE",
      `${folder} has no signing key: start the gateway once, it makes it`,
    );
  const backlog = openBacklog(join(folder, OUTBOX_FILE));
  try {
    const file = createFramedFile(path, TITLE);
    try {
      const numberings = LANES.map((lane) => {
        const { epoch, firstSeq, lastSeq } = backlog.numbering(lane);
        return { epoch, lane, firstSeq, lastSeq };
      });
      const all = numberings.reduce((sum, one) => sum + one.lastSeq - one.firstSeq + 1, 0);
      const progress = createProgress("events", all);
      file.put(KIND.hello, encodeHello({ gateway, numberings, signingKey: signer.publicKey }));
      const count = { scan: 0, telemetry: 0 };
      for (const lane of LANES)
        for (const { chain, ...piece } of backlog.pieces(lane, PIECE)) {
          const batch = { ...piece, gateway, boot: backlog.boot, ...NOT_SAID };
          file.put(KIND.batch, encodeBatch(sealed(batch, chain, signer)));
          count[lane] += piece.events.length;
          progress.add(piece.events.length);
        }
      progress.end();
      file.finish();
      return count;
    } catch (error) {
      file.abandon();
      throw error;
    }
  } finally {
    backlog.close();
  }
}

export type Carried = { readonly channel: "hello" | "batch"; readonly message: Uint8Array };

/** Throws Fault FILE_DAMAGED, behind everything that is whole. */
export function openBacklogFile(path: string) {
  const file = openFramedFile(path, TITLE);
  return {
    size: file.size,
    *messages(): Iterable<Carried & { readonly end: number }> {
      for (const { kind, bytes, end } of file.frames()) {
        const channel = kind === KIND.hello ? "hello" : kind === KIND.batch ? "batch" : undefined;
        if (channel === undefined)
          throw new Fault("FILE_DAMAGED", `${path}, byte ${end}: this is no part of a backlog`);
        yield { channel, message: bytes, end };
      }
    },
    close: file.close,
  };
}
