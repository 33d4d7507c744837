/**
 * What scanners that wait for an answer have in common: a line that they listen to, and what their
 * operator hears and sees. Written from the makers' manuals, as each family's file says.
 */

/** The scanner's end of a cable. */
export type DeviceLine = {
  /** Resolves with false when nobody is there to take the bytes. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** What the host has sent since this was last asked. */
  take(): Uint8Array;
};

export type Outcome = {
  /** `error`: the scanner gave up, and its operator heard its error tone. */
  readonly how: "acknowledged" | "error";
  /** How often it was sent. */
  readonly sent: number;
};

export type AnsweredScanner = {
  /** Reads one label. A scanner that waits for an answer reads no other meanwhile. */
  scan(text: string): Promise<Outcome>;
  /** What the operator has heard, in order. */
  readonly tones: readonly string[];
  /** Whether the lamp is on. */
  lamp(): boolean;
  /** The next answers of the host are lost on the way. */
  loseAnswers(count: number): void;
  close(): void;
};

const LISTEN_MS = 2;

/** Calls `hear` with what comes, as soon as it comes. */
export function listen(line: DeviceLine, hear: (bytes: Uint8Array) => void): () => void {
  const timer = setInterval(() => {
    const bytes = line.take();
    if (bytes.length > 0) hear(bytes);
  }, LISTEN_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Waits for one thing to be said, for a limited time. */
export function createExpectation<T>() {
  let tell: ((said: T) => void) | undefined;
  return {
    /** Undefined: nothing was said in time. */
    within(ms: number): Promise<T | undefined> {
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          tell = undefined;
          resolve(undefined);
        }, ms);
        tell = (said) => {
          clearTimeout(timer);
          tell = undefined;
          resolve(said);
        };
      });
    },
    /** False: nobody waits for it. */
    say(said: T): boolean {
      if (tell === undefined) return false;
      tell(said);
      return true;
    },
  };
}
