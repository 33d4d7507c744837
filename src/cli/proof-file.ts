/**
 * Evidence of a period as a file for somebody else: the batches as they came, what proves them, and the
 * public keys. Whoever has it needs neither the twin nor its network; the fingerprints of the keys are
 * compared by another way.
 */
import { createFramedFile, openFramedFile } from "../io/framed-file.ts";
import { Fault } from "../kernel/fault.ts";
import type { ProofItem, ProofNumbering, ProofPart } from "../store/proof-source.ts";
import type { SignerRow } from "../store/seals.ts";
import { asHole, asNumbering, asSegment, asSigners } from "./proof-rows.ts";

const TITLE = "racktrace evidence 1";
const KIND = { keys: 1, numbering: 2, segment: 3, hole: 4 } as const;

/** What is to be proven, wherever it stands. */
export type ProofMaterial = {
  readonly signers: readonly SignerRow[];
  parts(): Iterable<ProofPart>;
};

export type ProofFileWriter = {
  begin(numbering: ProofNumbering): void;
  put(item: ProofItem): void;
  finish(): void;
  abandon(): void;
};

/** Throws Fault DATA_UNREADABLE. */
export function createProofFile(path: string, signers: readonly SignerRow[]): ProofFileWriter {
  const file = createFramedFile(path, TITLE);
  file.put(KIND.keys, asJson(signers));
  return {
    begin: ({ known: _known, ...numbering }) => file.put(KIND.numbering, asJson(numbering)),
    put(item) {
      if (item.kind === "hole") return file.put(KIND.hole, asJson(item));
      const { body, ...row } = item;
      const told = asJson(row);
      const size = Buffer.alloc(4);
      size.writeUInt32BE(told.length);
      file.put(KIND.segment, Buffer.concat([size, told, body]));
    },
    finish: file.finish,
    abandon: file.abandon,
  };
}

/** Throws Fault FILE_DAMAGED, also while it is read. */
export function openProofFile(path: string): ProofMaterial & { close(): void } {
  const file = openFramedFile(path, TITLE);
  const frames = file.frames();
  let frame = frames.next();

  function is(kind: number): boolean {
    return frame.done !== true && frame.value.kind === kind;
  }

  function taken(): Uint8Array {
    const { bytes } = frame.value as { bytes: Uint8Array };
    frame = frames.next();
    return bytes;
  }

  function* items(): Iterable<ProofItem> {
    while (is(KIND.segment) || is(KIND.hole)) {
      const isHole = is(KIND.hole);
      const bytes = taken();
      if (isHole) yield read(path, bytes, asHole);
      else {
        const size =
          bytes.length < 4 ? 0 : Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32BE(0);
        const row = read(path, bytes.subarray(4, 4 + size), asSegment);
        yield { ...row, body: bytes.subarray(4 + size) };
      }
    }
  }

  if (!is(KIND.keys)) throw new Fault("FILE_DAMAGED", `${path} does not begin with keys`);
  return {
    signers: read(path, taken(), asSigners),
    *parts() {
      while (is(KIND.numbering)) {
        const numbering = read(path, taken(), asNumbering);
        yield { numbering, items: items() };
      }
      if (frame.done !== true)
        throw new Fault("FILE_DAMAGED", `${path} holds a frame out of place`);
    },
    close: file.close,
  };
}

/** Bytes as base64 behind a name of their own, since JSON has none. */
function asJson(value: unknown): Buffer {
  return Buffer.from(
    JSON.stringify(value, (_key, one) => {
      if (one instanceof Uint8Array) return { bytes: Buffer.from(one).toString("base64") };
      // A Buffer has turned itself into this before it comes here.
      if (one?.type === "Buffer") return { bytes: Buffer.from(one.data).toString("base64") };
      return one;
    }),
  );
}

/** Whoever made the file may want something of those who read what is printed of it. */
function read<T>(path: string, bytes: Uint8Array, as: (value: unknown) => T): T {
  try {
    return as(
      JSON.parse(Buffer.from(bytes).toString(), (_key, one) =>
        typeof one?.bytes === "string" ? Buffer.from(one.bytes, "base64") : one,
      ),
    );
  } catch (cause) {
    throw new Fault("FILE_DAMAGED", `${path}: ${(cause as Error).message}`, { cause });
  }
}
