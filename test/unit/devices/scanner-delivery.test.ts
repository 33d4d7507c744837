/** The conversation with scanners that wait for an answer, told as stories: what is heard, what is said. */
import { describe, expect, test } from "vitest";
import { createConversation, type Style } from "../../../src/devices/scanners/conversation.ts";
import type { Unanswered, Verdict } from "../../../src/devices/scanners/delivery.ts";

const ACK_NAK: Style = {
  ...{ style: "ack-nak", ack: 0x06, nak: 0x15, warning: undefined },
};
const BEL: Style = { ...ACK_NAK, warning: { character: 0x07, when: "instead" } };
const F: Style = { ...ACK_NAK, warning: { character: 0x46, when: "after" } };
const HOST_ACK: Style = { style: "host-ack" };

describe("a scanner with ACK and NAK", () => {
  test("hears ACK after the scan is on disk, and not before", () => {
    story(ACK_NAK, {}, ["0 hear A -> keep 1", "5 stored 1 -> 06"]);
  });

  test("hears NAK when the scan cannot be kept, and may send it again as a new one", () => {
    story(ACK_NAK, {}, [
      "0 hear A -> keep 1",
      "5 refused 1 -> 15",
      "9 hear A -> keep 2",
      "12 stored 2 -> 06",
    ]);
  });

  test("that repeats while the disk is busy has sent one scan, and is answered once", () => {
    story(ACK_NAK, {}, ["0 hear A -> keep 1", "2000 hear A -> repeated", "2500 stored 1 -> 06"]);
  });

  test("hears nothing when its time is over, since it would take the answer for its next scan", () => {
    story(ACK_NAK, {}, [
      "0 hear A -> keep 1",
      "1900 stored 1 -> too-late",
      "2000 hear A -> repeated, again 2",
      "2001 stored 2 -> 06",
    ]);
  });

  test("that gave a scan up and sends another hears of the other only", () => {
    story(ACK_NAK, {}, [
      "0 hear A -> keep 1",
      "900 hear B -> keep 2",
      "950 stored 1 -> ",
      "960 stored 2 -> 06",
    ]);
  });

  test("that gave a scan up and comes back to it behind another may mean it anew: kept, and suspected", () => {
    const gaveUp = ["0 hear A -> keep 1", "900 hear B -> keep 2"];
    const told = ["950 stored 1 -> ", "960 stored 2 -> 06"];
    story(ACK_NAK, {}, [...gaveUp, ...told, "9000 hear A -> suspected 3", "9001 stored 3 -> 06"]);
    story(ACK_NAK, {}, [...gaveUp, ...told, "200000 hear A -> keep 3"]);
    story(ACK_NAK, {}, [
      ...gaveUp,
      "960 stored 2 -> 06",
      "1500 hear A -> suspected 3",
      "1600 stored 1 -> ",
    ]);
    story(ACK_NAK, {}, [
      ...gaveUp,
      "950 refused 1 -> ",
      "960 stored 2 -> 06",
      "9000 hear A -> keep 3",
    ]);
  });

  test("whose operator tries on for minutes still means the same scan", () => {
    story(ACK_NAK, {}, [
      "0 hear A -> keep 1",
      "1900 stored 1 -> too-late",
      "100000 hear A -> repeated, again 2",
      "100001 refused 2 -> 15",
      "200000 hear A -> repeated, again 3",
      "200001 stored 3 -> 06",
    ]);
  });

  test("that was answered and sends the same soon is kept, and suspected to repeat", () => {
    const answered = ["0 hear A -> keep 1", "5 stored 1 -> 06"];
    story(ACK_NAK, {}, [...answered, "300 hear A -> suspected 2", "301 stored 2 -> 06"]);
    story(ACK_NAK, {}, [...answered, "2010 hear A -> suspected 2"]);
    story(ACK_NAK, {}, [...answered, "7000 hear A -> suspected 2"]);
    story(ACK_NAK, {}, [...answered, "7010 hear A -> keep 2"]);
    story(ACK_NAK, {}, [...answered, "300 hear B -> keep 2"]);
    story(ACK_NAK, {}, [
      ...answered,
      "300 hear B -> keep 2",
      "305 stored 2 -> 06",
      "600 hear A -> keep 3",
    ]);
  });

  test("whose line breaks before the answer may send the same scan when it is back", () => {
    story(ACK_NAK, {}, [
      "0 hear A -> keep 1",
      "1 cut -> ",
      "5 stored 1 -> too-late",
      "30000 hear A -> repeated, again 2",
      "30001 stored 2 -> 06",
    ]);
  });

  test("whose line breaks with the answer may have missed it; one that breaks later has not", () => {
    const answered = ["0 hear A -> keep 1", "5 stored 1 -> 06"];
    story(ACK_NAK, {}, [...answered, "50 cut -> ", "9000 hear A -> repeated, again 2"]);
    story(ACK_NAK, {}, [...answered, "500 cut -> ", "9000 hear A -> keep 2"]);
  });

  test("that repeats what the last process may have kept is recognised, once and not for ever", () => {
    const last = kept("A", -3_000);
    story(ACK_NAK, { last }, ["0 hear A -> repeated, again 1", "1 stored 1 -> 06"]);
    story(ACK_NAK, { last }, ["0 hear B -> keep 1"]);
    story(ACK_NAK, { last }, ["200000 hear A -> keep 1"]);
    story(ACK_NAK, { last }, [
      "0 hear A -> repeated, again 1",
      "1 stored 1 -> 06",
      "9000 hear A -> keep 2",
    ]);
  });

  test("that knows BEL waits for the twin, and hears it in place of ACK when the twin objects", () => {
    story(BEL, {}, ["0 hear A -> keep 1", "5 stored 1 -> ", "9 discrepancy 1 -> 07"]);
    story(BEL, {}, ["0 hear A -> keep 1", "5 stored 1 -> ", "9 accepted 1 -> 06"]);
    story(BEL, {}, ["0 hear A -> keep 1", "5 stored 1 -> ", "405 due -> 06"]);
  });

  test("that knows a warning hears ACK at once and the warning behind it", () => {
    story(F, {}, ["0 hear A -> keep 1", "5 stored 1 -> 06", "9 unknown 1 -> 46"]);
    story(F, {}, ["0 hear A -> keep 1", "5 stored 1 -> 06", "9 accepted 1 -> "]);
    story(F, {}, [
      "0 hear A -> keep 1",
      "5 stored 1 -> 06",
      "7 hear B -> keep 2",
      "9 unknown 1 -> ",
      "11 stored 2 -> 06",
    ]);
  });
});

describe("a Host ACK scanner", () => {
  const GOOD = "1b 37 2c";
  const BAD = "1b 38 2c 1b 38 2c";
  const NOT_SAVED = "1b 38 2c 1b 34 2c 1b 34 2c";

  test("sounds good when the twin agrees, or when nobody objects in time", () => {
    host(["0 hear A -> keep 1", "5 stored 1 -> ", `9 accepted 1 -> ${GOOD}`]);
    host(["0 hear A -> keep 1", "5 stored 1 -> ", `9 none 1 -> ${GOOD}`]);
    host(["0 hear A -> keep 1", "5 stored 1 -> ", "404 due -> ", `405 due -> ${GOOD}`]);
  });

  test("sounds bad when the twin objects, and differently when the scan is not saved", () => {
    host(["0 hear A -> keep 1", "5 stored 1 -> ", `9 discrepancy 1 -> ${BAD}`]);
    host(["0 hear A -> keep 1", "5 stored 1 -> ", `9 unknown 1 -> ${BAD}`]);
    host(["0 hear A -> keep 1", `5 refused 1 -> ${NOT_SAVED}`]);
  });

  test("that timed out is scanned again by its operator: the same scan, and the same word on it", () => {
    host([
      "0 hear A -> keep 1",
      "9500 stored 1 -> too-late",
      "14000 hear A -> repeated, again 2",
      `14001 stored 2 -> ${GOOD}`,
    ]);
    host([
      "0 hear A -> keep 1",
      "8900 stored 1 -> ",
      "9400 discrepancy 1 -> too-late",
      "14000 hear A -> repeated, again 2",
      `14001 stored 2 -> ${BAD}`,
    ]);
  });

  test("that sends another scan while the twin is asked may come back to the first, and is suspected", () => {
    host([
      "0 hear A -> keep 1",
      "5 stored 1 -> ",
      "50 hear B -> keep 2",
      "55 stored 2 -> ",
      `60 accepted 2 -> ${GOOD}`,
      "4000 hear A -> suspected 3",
      "4001 stored 3 -> ",
      `4002 discrepancy 3 -> ${BAD}`,
    ]);
  });

  test("that was answered and reads the same label again means another scan", () => {
    host([
      "0 hear A -> keep 1",
      "5 stored 1 -> ",
      `6 accepted 1 -> ${GOOD}`,
      "20000 hear A -> keep 2",
    ]);
  });

  function host(lines: readonly string[]): void {
    story(HOST_ACK, { timeoutMs: 10_000 }, lines);
  }
});

type Setting = { readonly timeoutMs?: number; readonly last?: Unanswered };

function kept(text: string, heardMs: number): Unanswered {
  return { frame: bytes(text), heardMs, verdict: undefined };
}

/** Each line: when, what happens, and what comes of it: bytes in hex, or a word. */
function story(style: Style, { last, timeoutMs = 2_000 }: Setting, lines: readonly string[]): void {
  const conversation = createConversation({ ...style, timeoutMs, verdictMs: 400 }, last);
  const told = lines.map((line) => {
    const [what = ""] = line.split(" ->");
    const [at = "", verb = "", noun = ""] = what.split(" ");
    const atMs = Number(at);
    const effects = conversation.step(inputOf(verb, noun, atMs));
    const words = effects.map((effect) => {
      switch (effect.kind) {
        case "write":
          return Buffer.from(effect.bytes)
            .toString("hex")
            .replaceAll(/(..)(?!$)/g, "$1 ");
        case "keep":
          if (effect.suspected) return `suspected ${effect.number}`;
          return `${effect.again ? "again" : "keep"} ${effect.number}`;
        case "note":
          return effect.what;
        default:
          return effect;
      }
    });
    return `${what} -> ${words.join(", ")}`;
  });
  expect(told).toEqual([...lines]);
}

function inputOf(verb: string, noun: string, atMs: number) {
  const number = Number(noun);
  switch (verb) {
    case "hear":
      return {
        kind: "cut-out",
        cut: { kind: "frame", frame: bytes(noun) },
        atMs,
      } as const;
    case "stored":
      return { kind: "stored", number, commit: { firstSeq: 1, lastSeq: 1 }, atMs } as const;
    case "refused":
      return { kind: "refused", number, atMs } as const;
    case "due":
      return { kind: "due", atMs } as const;
    case "cut":
      return { kind: "cut", atMs } as const;
    default:
      return { kind: "verdict", number, verdict: verb as Verdict, atMs } as const;
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
