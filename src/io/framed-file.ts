/**
 * A file of frames, for what is carried from one program to another by hand: a line that says what it is,
 * then frames, each with its kind and length, and a last one with the sum of all before it. Written whole or
 * not at all, read frame by frame: a file that was cut short or altered says where, and what stands before
 * that was whole.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";
import { createNewFile } from "./new-file.ts";

export type Frame = { readonly kind: number; readonly bytes: Uint8Array };

export type FrameWriter = {
  put(kind: number, bytes: Uint8Array): void;
  /** The file is there from now on, and whole. */
  finish(): void;
  abandon(): void;
};

export type FrameReader = {
  readonly size: number;
  /** Throws Fault FILE_DAMAGED where it is not whole, behind everything that is. */
  frames(): IterableIterator<Frame & { readonly end: number }>;
  close(): void;
};

/** Kind and length. */
const HEAD_BYTES = 5;
const SUM_KIND = 0;
const SUM_BYTES = 32;
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** Throws Fault DATA_UNREADABLE; also when the file is there already. */
export function createFramedFile(path: string, title: string): FrameWriter {
  const file = createNewFile(path);
  const sum = createHash("sha256");

  function write(bytes: Uint8Array): void {
    sum.update(bytes);
    file.write(bytes);
  }

  write(Buffer.from(`${title}\n`));
  return {
    put(kind, bytes) {
      write(headOf(kind, bytes.length));
      write(bytes);
    },
    finish() {
      write(headOf(SUM_KIND, SUM_BYTES));
      write(sum.copy().digest());
      file.finish();
    },
    abandon: file.abandon,
  };
}

/** Throws Fault DATA_UNREADABLE, and FILE_DAMAGED when it is not of this title. */
export function openFramedFile(path: string, title: string): FrameReader {
  const file = attempt(path, () => openSync(path, "r"));
  const first = Buffer.from(`${title}\n`);
  const damaged = (at: number, why: string) =>
    new Fault("FILE_DAMAGED", `${path}, byte ${at}: ${why}`);

  function read(at: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    let had = 0;
    while (had < size) {
      const got = attempt(path, () => readSync(file, bytes, had, size - had, at + had));
      if (got === 0) throw damaged(at + had, "the file ends here, and is not complete");
      had += got;
    }
    return bytes;
  }

  try {
    if (!read(0, first.length).equals(first)) throw new Error("another title");
  } catch (cause) {
    closeSync(file);
    throw new Fault("FILE_DAMAGED", `${path} is no file of the kind "${title}"`, { cause });
  }

  return {
    size: fstatSync(file).size,
    *frames() {
      const sum = createHash("sha256").update(first);
      for (let at = first.length; ; ) {
        const head = read(at, HEAD_BYTES);
        const kind = head.readUInt8(0);
        const size = head.readUInt32BE(1);
        if (size > FRAME_BYTES_MAX) throw damaged(at, "this is no frame");
        const soFar = sum.update(head).copy();
        const bytes = read(at + HEAD_BYTES, size);
        at += HEAD_BYTES + size;
        if (kind !== SUM_KIND) {
          sum.update(bytes);
          yield { kind, bytes, end: at };
          continue;
        }
        if (!soFar.digest().equals(bytes)) throw damaged(at, "the sum over the file is another");
        return;
      }
    },
    close: () => closeSync(file),
  };
}

function headOf(kind: number, size: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(size, 1);
  return head;
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}
