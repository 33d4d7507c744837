/** Temporary folders that go away with the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Whoever runs beside other tests of its file says so with its own `onTestFinished`. */
export function temporaryFolder(finished = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "racktrace-"));
  finished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
