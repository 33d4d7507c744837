/**
 * A Honeywell scanner with Host ACK on.
 *
 * Source: Xenon/Granit user guide, Host ACK: after a scan nothing is heard or seen until an escape
 * command comes, each ended by a comma, several strung together; the scanner is suspended meanwhile. `7`
 * sounds as a good read, `8` as a bad one, `4` `5` `6` beep low, medium, high, `1` `2` `3` light the LED. When none
 * comes within 10 s the scanner sounds its error tone. It sends nothing again by itself.
 */
import {
  type AnsweredScanner,
  createExpectation,
  type DeviceLine,
  listen,
  type Outcome,
} from "./answered.ts";

const SOUNDS: Readonly<Record<string, string>> = {
  "4": "low",
  "5": "medium",
  "6": "high",
  "7": "good",
  "8": "razz",
};

const COMMAND = new RegExp(`${String.fromCharCode(27)}(.),`);

export type HostAckOptions = { readonly timeoutMs: number; readonly suffix: string };

export function createHostAckScanner(
  line: DeviceLine,
  { timeoutMs, suffix }: HostAckOptions,
): AnsweredScanner {
  const tones: string[] = [];
  const command = createExpectation<"valid">();
  let lose = 0;
  let lamp = false;
  let held = "";

  const stop = listen(line, (bytes) => {
    held += Buffer.from(bytes).toString("latin1");
    for (;;) {
      const found = COMMAND.exec(held);
      if (found === null) return;
      held = held.slice(found.index + found[0].length);
      obey(found[1] ?? "");
    }
  });

  function obey(word: string): void {
    if (lose > 0) {
      lose -= 1;
      return;
    }
    const sound = SOUNDS[word];
    if (sound !== undefined) tones.push(sound);
    else if (/[123]/.test(word)) lamp = true;
    else return;
    command.say("valid");
  }

  return {
    tones,
    lamp: () => lamp,
    loseAnswers(count) {
      lose = count;
    },
    async scan(text): Promise<Outcome> {
      held = "";
      lamp = false;
      const valid = command.within(timeoutMs);
      await line.write(Buffer.from(`${text}${suffix}`, "latin1"));
      if ((await valid) === "valid") return { how: "acknowledged", sent: 1 };
      tones.push("error");
      return { how: "error", sent: 1 };
    },
    close: stop,
  };
}
