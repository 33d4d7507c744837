/** Wall clocks of programs that somebody else sets, at any moment: see wrong-clock.c. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

export type WrongClock = {
  /** What a program has to be started with to see it. */
  readonly environment: Readonly<Record<string, string>>;
  /** From now on it is wrong by so much. */
  set(offsetMs: number): void;
  close(): void;
};

const SOURCE = new URL("./wrong-clock.c", import.meta.url).pathname;

/** Undefined: there is no compiler here, or programs are not loaded as Linux loads them. */
export function makeWrongClocks(folder: string): ((name: string) => WrongClock) | undefined {
  if (process.platform !== "linux") return undefined;
  const library = join(folder, "wrong-clock.so");
  const words = ["-shared", "-fPIC", "-O2", "-o", library, SOURCE];
  if (spawnSync("cc", words).status !== 0) return undefined;
  return (name) => {
    const path = join(folder, `${name}.clock`);
    const fd = openSync(path, "w+", 0o600);
    const set = (offsetMs: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(Math.trunc(offsetMs)));
      writeSync(fd, bytes, 0, 8, 0);
    };
    set(0);
    return {
      environment: { LD_PRELOAD: library, RACKTRACE_GATE_CLOCK: path },
      set,
      close: () => closeSync(fd),
    };
  };
}
