/**
 * What a test wants and this machine may not have: a foreign program, or a right. Where it is absent
 * the test is skipped, and what is then not tested is said loudly, with what to do about it.
 */
import { spawnSync } from "node:child_process";

/** `next`: how to have it. */
export function wanted(what: string, isHere: boolean, next: string): boolean {
  if (!isHere) process.stderr.write(`\nNOT TESTED: ${what}. ${next}\n\n`);
  return isHere;
}

/** Whether it can be run at all, whatever it says to `words`. */
export function hasProgram(program: string, ...words: readonly string[]): boolean {
  return spawnSync(program, words).error === undefined;
}
