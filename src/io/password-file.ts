/** The password in a file that people write with any editor: its first line, whatever ends the line. */
import { readFileSync } from "node:fs";

/** Throws what reading the file throws. */
export function passwordIn(file: string): string {
  const [first = ""] = readFileSync(file, "utf8").split(/\r?\n/, 1);
  return first;
}
