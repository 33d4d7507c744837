/** What it gave, and for how long this thread worked: what others on a busy machine take in between is not in it. */
export function workOf<T>(run: () => T): { readonly result: T; readonly workMs: number } {
  const before = process.threadCpuUsage();
  const result = run();
  const { user, system } = process.threadCpuUsage(before);
  return { result, workMs: (user + system) / 1000 };
}
