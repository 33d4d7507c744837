/** So long out of sight, a label is another reading. */
const GONE_MS = 1_500;

/** Which of the labels in view were not there a moment ago. Pure. */
export function createSight(goneMs = GONE_MS) {
  const lastMs = new Map<string, number>();
  return {
    look(texts: readonly string[], nowMs: number): readonly string[] {
      for (const [text, atMs] of lastMs) if (nowMs - atMs > goneMs) lastMs.delete(text);
      const fresh = [...new Set(texts)].filter((text) => !lastMs.has(text));
      for (const text of texts) lastMs.set(text, nowMs);
      return fresh;
    },
  };
}
