/** The end of a connection, for everyone who waits for something from it. The first reason counts. */
export type Loss = {
  because(error: Error): void;
  /** What `work` comes to, or a rejection once the connection is lost. */
  unless<T>(work: Promise<T>): Promise<T>;
};

/** Who waits leaves nothing behind: a race against one promise for all would grow with each. */
export function createLoss(): Loss {
  const waiting = new Set<(reason: Error) => void>();
  let reason: Error | undefined;

  return {
    because(error) {
      reason ??= error;
      for (const reject of waiting) reject(reason);
      waiting.clear();
    },
    unless: (work) =>
      new Promise((resolve, reject) => {
        if (reason !== undefined) reject(reason);
        else waiting.add(reject);
        work.then(resolve, reject).finally(() => waiting.delete(reject));
      }),
  };
}
