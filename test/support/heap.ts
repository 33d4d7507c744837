/** What a test keeps in its own heap, after everything else was let go. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // What the first lets go of is counted as kept until the second.
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
