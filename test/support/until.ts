/**
 * Waits for a condition of the outside world; fails with the claim when it does not come true. Where how soon
 * it does is the claim, the limit is said; without one it is what a machine of two busy cores never needs.
 */
export async function until(
  claim: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 25_000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${claim}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
