/**
 * A Datalogic PowerScan with a display behind its cradle, transmission mode "ACK from host".
 *
 * Source: Datalogic PowerScan PRG, Message Formatting: after a scan the reader waits for a message of the
 * host, text and escape sequences ended by CR, and signals a failed transmission when none comes; a message
 * at any other time begins with DC2. Four rows of sixteen characters in the normal font; what is written
 * beyond the end of a row is lost. Escape sequences that it does not know are ignored.
 */
import {
  type AnsweredScanner,
  createExpectation,
  type DeviceLine,
  listen,
  type Outcome,
} from "./answered.ts";

const ROWS = 4;
const COLUMNS = 16;
const ESC = "\x1b";
const DC2 = "\x12";

const SOUNDS: Readonly<Record<string, string>> = {
  "0": "high",
  "1": "low",
  "2": "long low",
  "3": "good",
  "4": "bad transmission",
};

const LAMPS: Readonly<Record<string, readonly [color: string, on: boolean]>> = {
  "6": ["green", true],
  "7": ["green", false],
  "8": ["red", true],
  "9": ["red", false],
};

export type DisplayOptions = { readonly timeoutMs: number; readonly suffix: string };

export type DisplayScanner = AnsweredScanner & {
  /** What stands on the display, row by row. */
  screen(): readonly string[];
  /** Lamps that are on. */
  lamps(): readonly string[];
  /** Each lamp that was lit, in order. */
  readonly lit: readonly string[];
};

export function createDisplayScanner(
  line: DeviceLine,
  { timeoutMs, suffix }: DisplayOptions,
): DisplayScanner {
  const tones: string[] = [];
  const lit: string[] = [];
  const lamps = new Set<string>();
  const answer = createExpectation<"message">();
  let rows: string[] = [];
  let row = 0;
  let held = "";
  let lose = 0;

  const stop = listen(line, (bytes) => {
    held += Buffer.from(bytes).toString("latin1");
    for (let end = held.indexOf("\r"); end >= 0; end = held.indexOf("\r")) {
      const message = held.slice(0, end);
      held = held.slice(end + 1);
      hear(message);
    }
  });

  function hear(message: string): void {
    if (lose > 0) lose -= 1;
    else if (message.startsWith(DC2)) interpret(message.slice(1));
    else if (answer.say("message")) interpret(message);
  }

  function interpret(message: string): void {
    for (let at = 0; at < message.length; ) {
      if (message[at] !== ESC) {
        write(message[at] ?? "");
        at += 1;
        continue;
      }
      const sequence = /^(\[[0-9;]*[A-Za-z]|#.|.)/.exec(message.slice(at + 1))?.[0] ?? "";
      obey(sequence);
      at += 1 + sequence.length;
    }
  }

  function write(character: string): void {
    const text = rows[row] ?? "";
    if (text.length < COLUMNS) rows[row] = text + character;
  }

  function obey(sequence: string): void {
    if (sequence === "[2J") {
      rows = [];
      row = 0;
    } else if (sequence === "E") row = Math.min(row + 1, ROWS - 1);
    else if (/^\[\dq$/.test(sequence)) signal(sequence[1] ?? "");
  }

  function signal(code: string): void {
    const sound = SOUNDS[code];
    if (sound !== undefined) tones.push(sound);
    const [color = "", on = false] = LAMPS[code] ?? [];
    if (on) lit.push(color);
    if (on) lamps.add(color);
    else lamps.delete(color);
  }

  return {
    tones,
    lit,
    screen: () => rows,
    lamps: () => [...lamps],
    lamp: () => lamps.size > 0,
    loseAnswers(count) {
      lose = count;
    },
    async scan(text): Promise<Outcome> {
      const said = answer.within(timeoutMs);
      await line.write(Buffer.from(`${text}${suffix}`, "latin1"));
      if ((await said) === "message") return { how: "acknowledged", sent: 1 };
      tones.push("failed");
      return { how: "error", sent: 1 };
    },
    close: stop,
  };
}
