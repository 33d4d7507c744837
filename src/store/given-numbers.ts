/**
 * The last numbers that were given, in a file beside the outbox: a witness against its log.
 *
 * SQLite takes a log that is cut off, or damaged in its middle, for one that ends there, and goes on with
 * what is left. That would be a silent loss, and numbers would be given twice. The witness is written
 * behind each commit and never synced, so it may know less than the outbox; when it knows more, something
 * that was kept is gone.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { crc32 } from "node:zlib";
import type { Lane } from "../ports.ts";

export type Given = Readonly<Record<Lane, { readonly epoch: string; readonly last: number }>>;

export type GivenNumbers = {
  /** What was given by the last process, as far as it was written; undefined: nobody knows. */
  readonly before: Given | undefined;
  write(given: Given): void;
  /** On stable storage: what was given is about to be numbered anew. Throws when the disk refuses. */
  forget(): void;
  close(): void;
};

/** One sector: never torn. The rest of it is blanks. */
const BYTES = 512;

export function openGivenNumbers(path: string): GivenNumbers {
  let fd: number | undefined;
  return {
    before: readGiven(path),
    write(given) {
      const text = JSON.stringify(given);
      try {
        fd ??= openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
        writeSync(fd, Buffer.from(`${sumOf(text)} ${text}`.padEnd(BYTES)), 0, BYTES, 0);
      } catch {
        // A witness that cannot write knows less, which is allowed; the outbox notices a bad disk itself.
      }
    },
    forget() {
      fd ??= openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      ftruncateSync(fd, 0);
      fsyncSync(fd);
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

/** What the witness says against a lane as it was found; undefined: nothing. */
export function contradiction(
  before: Given | undefined,
  lane: Lane,
  { epoch, last }: { readonly epoch: string; readonly last: number },
): string | undefined {
  const known = before?.[lane];
  if (known === undefined) return undefined;
  if (known.epoch !== epoch && known.last > 0)
    return `${lane} had events up to ${known.last} of another numbering: all of it is gone`;
  if (known.epoch === epoch && known.last > last)
    return `${lane} had events up to ${known.last} and holds them up to ${last}: its log was cut off`;
  return undefined;
}

/** A file that is not as it was written says nothing. */
export function readGiven(path: string): Given | undefined {
  try {
    const [sum = "", text = ""] = split(readFileSync(path, "latin1").trimEnd());
    return sum === sumOf(text) ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function split(line: string): readonly string[] {
  const at = line.indexOf(" ");
  return [line.slice(0, at), line.slice(at + 1)];
}

function sumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
