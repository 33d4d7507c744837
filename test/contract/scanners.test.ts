/**
 * Every family of scanners against the simulator's own reading of the makers' manuals, over a real tty,
 * with an outbox on a real disk. Time-outs are shortened on both sides, and waited for side by side.
 */
import { describe, expect, type onTestFinished, test } from "vitest";
import { createAckNakScanner, FAMILIES } from "../../firmware-sim/ack-nak.ts";
import type { AnsweredScanner } from "../../firmware-sim/answered.ts";
import { createDisplayScanner } from "../../firmware-sim/display.ts";
import { createHostAckScanner } from "../../firmware-sim/host-ack.ts";
import { createSsiScanner } from "../../firmware-sim/ssi.ts";
import type { Tty } from "../../firmware-sim/tty.ts";
import { openCable, openDesk } from "../support/scanner-desk.ts";
import { until } from "../support/until.ts";

/** Where time runs out, and where it must not, however busy this machine is. */
const SHORT_MS = 2_000;
const LONG_MS = 10_000;
const XON = Uint8Array.of(0x11);
const XOFF = Uint8Array.of(0x13);
const LABEL = "2539521234000013N00001P01";

type Finished = typeof onTestFinished;

type Family = {
  readonly profile: string;
  /** Of the gateway's configuration, besides the time-out. */
  readonly answer: string;
  readonly plug: (line: Tty, timeoutMs: number) => AnsweredScanner;
  /** What its operator hears: all is well, the twin objects, it was not saved. */
  readonly good: readonly string[];
  readonly bad: readonly string[];
  readonly notSaved: readonly string[];
  /** How often it sends a scan that nobody answers, and one that is refused. */
  readonly sends: { readonly unanswered: number; readonly refused: number };
  /** AIM identifier that the scan gets from what the protocol says of the symbol. */
  readonly aim: string;
};

const ackNak =
  (name: keyof typeof FAMILIES) =>
  (line: Tty, timeoutMs: number): AnsweredScanner =>
    createAckNakScanner(line, { ...FAMILIES[name], timeoutMs });

const FAMILY: readonly Family[] = [
  {
    profile: "zebra-ssi",
    answer: "verdictMs: 1000",
    plug: (line, timeoutMs) => createSsiScanner(line, { timeoutMs, type: 0x0f }),
    good: ["1 short high"],
    bad: ["3 long low"],
    notSaved: ["LO-LO-LO-LO"],
    sends: { unanswered: 3, refused: 3 },
    aim: "]C1",
  },
  {
    profile: "zebra-stx-etx",
    answer: "verdictMs: 0",
    plug: ackNak("zebra-stx-etx"),
    good: ["good"],
    bad: ["good"],
    notSaved: ["error"],
    sends: { unanswered: 1, refused: 3 },
    aim: "",
  },
  {
    profile: "honeywell-ack-nak",
    answer: "verdictMs: 1000, warning: 7",
    plug: ackNak("honeywell-ack-nak"),
    good: ["good"],
    bad: ["beep", "beep", "beep"],
    notSaved: ["error"],
    sends: { unanswered: 6, refused: 6 },
    aim: "",
  },
  {
    profile: "honeywell-host-ack",
    answer: "verdictMs: 1000",
    plug: (line, timeoutMs) => createHostAckScanner(line, { timeoutMs, suffix: "\r" }),
    good: ["good"],
    bad: ["razz", "razz"],
    notSaved: ["razz", "low", "low"],
    sends: { unanswered: 1, refused: 1 },
    aim: "",
  },
  {
    profile: "datalogic-ack-nak",
    answer: "verdictMs: 1000",
    plug: ackNak("datalogic-ack-nak"),
    good: ["good"],
    bad: ["good", "not on file"],
    notSaved: ["error"],
    sends: { unanswered: 4, refused: 4 },
    aim: "",
  },
  {
    profile: "datalogic-display",
    answer: "verdictMs: 1000",
    plug: (line, timeoutMs) => createDisplayScanner(line, { timeoutMs, suffix: "\r\n" }),
    good: ["good"],
    bad: ["long low", "long low"],
    notSaved: ["bad transmission"],
    sends: { unanswered: 1, refused: 1 },
    aim: "",
  },
];

describe.concurrent.each(FAMILY)("$profile", (family) => {
  const { good, bad, notSaved, sends, aim } = family;

  test("hears nothing before the scan is on disk, and its good tone then", async ({
    onTestFinished,
  }) => {
    const { scanner, desk } = await plug(family, LONG_MS, onTestFinished);
    const release = desk.holdDisk();
    let outcome: string | undefined;

    const scanned = scanner.scan(LABEL).then(({ how }) => {
      outcome = how;
    });
    await desk.untilHeld();
    await pause(100);
    expect([outcome, scanner.tones]).toEqual([undefined, []]);
    release();
    await scanned;

    await until("the tone is heard", () => scanner.tones.length === good.length);
    expect([outcome, scanner.tones]).toEqual(["acknowledged", good]);
    expect(await desk.scans()).toEqual([aim + LABEL]);
  });

  test("sounds what the twin says, and good when the twin says nothing in time", async ({
    onTestFinished,
  }) => {
    const { scanner, desk } = await plug(family, LONG_MS, onTestFinished);
    desk.judge("discrepancy", 20);
    await scanner.scan(LABEL);
    await until("the tone is heard", () => scanner.tones.length >= bad.length);
    expect(scanner.tones).toEqual(bad);

    desk.judge("accepted", 20);
    await scanner.scan(`${LABEL}A`);
    await until("the tone is heard", () => scanner.tones.length >= bad.length + good.length);
    desk.judge("silent");
    await scanner.scan(`${LABEL}B`);
    await until("the tone is heard", () => scanner.tones.length >= bad.length + 2 * good.length);
    expect(scanner.tones).toEqual([...bad, ...good, ...good]);
  });

  test("that waits in vain for a stuck disk is heard again, and counts once", async ({
    onTestFinished,
  }) => {
    const { scanner, desk } = await plug(family, SHORT_MS, onTestFinished);
    const release = desk.holdDisk();
    const first = await scanner.scan(LABEL);
    expect(first).toEqual({ how: "error", sent: sends.unanswered });

    const again = scanner.scan(LABEL);
    release();
    expect((await again).how).toBe("acknowledged");
    expect(await desk.scans()).toEqual([aim + LABEL]);
    expect(desk.figures.noted).toContain("repeated");
  });

  test("is told when the disk is full, and its scan is kept once there is room", async ({
    onTestFinished,
  }) => {
    const { scanner, desk } = await plug(family, LONG_MS, onTestFinished);
    desk.refuse("full");
    const first = await scanner.scan(LABEL);
    expect(first.sent).toBe(sends.refused);
    await until("the tone is heard", () => scanner.tones.length >= notSaved.length);
    expect(scanner.tones).toEqual(notSaved);
    expect(await desk.scans()).toEqual([]);

    desk.refuse(undefined);
    expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
    expect(await desk.scans()).toEqual([aim + LABEL]);
  });

  test("whose cable is pulled before the answer may send the same scan again", async ({
    onTestFinished,
  }) => {
    const { scanner, desk, cable } = await plug(family, SHORT_MS, onTestFinished);
    const release = desk.holdDisk();
    const first = scanner.scan(LABEL);
    await desk.untilHeld();
    cable.unplug();
    await pause(30);
    release();
    await until("the unplugging is seen", () => desk.state().state !== "open");
    await first;
    cable.plug();
    await desk.untilOpen();

    expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
    expect(await desk.scans()).toEqual([aim + LABEL]);
  });

  test("is answered for what was read when the gateway is told to stop, and for nothing after", async ({
    onTestFinished,
  }) => {
    const { scanner, desk } = await plug(family, LONG_MS, onTestFinished);
    const release = desk.holdDisk();
    const scanned = scanner.scan(LABEL);
    await desk.untilHeld();
    const stopped = desk.stop();
    await pause(50);
    release();
    expect((await scanned).how).toBe("acknowledged");
    await stopped;
    let answered = false;
    void scanner.scan(`${LABEL}A`).then(() => {
      answered = true;
    });
    await pause(300);
    expect(answered).toBe(false);
  });

  test("two scans of one label, each answered, are two scans", async ({ onTestFinished }) => {
    const { scanner, desk } = await plug(family, LONG_MS, onTestFinished);
    expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
    expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
    expect(await desk.scans()).toEqual([aim + LABEL, aim + LABEL]);
  });
});

test.concurrent.for(FAMILY.filter(({ sends }) => sends.unanswered > 1))(
  "$profile repeats a scan whose answer is lost, and it counts once, or is suspected where nothing marks it",
  async (family, { onTestFinished }) => {
    const { scanner, desk } = await plug(family, 2 * SHORT_MS, onTestFinished);
    scanner.loseAnswers(1);
    expect(await scanner.scan(LABEL)).toEqual({ how: "acknowledged", sent: 2 });
    const text = family.aim + LABEL;
    const marks = family.profile === "zebra-ssi";
    expect(await desk.scans()).toEqual(marks ? [text] : [text, text]);
    expect(await desk.suspected()).toEqual(marks ? [] : [text]);
  },
);

test.concurrent.for(
  FAMILY.filter(({ profile }) => profile.endsWith("-ack-nak") || profile.endsWith("-etx")),
)(
  "$profile, answered, that reads the same just when its time-out is over has read two, a command too",
  async (family, { onTestFinished }) => {
    const timeoutMs = SHORT_MS;
    const { scanner, desk } = await plug(family, timeoutMs, onTestFinished);
    const texts = [LABEL, LABEL, "CMD:UNDO", "CMD:UNDO"];
    for (const text of texts) {
      const over = pause(timeoutMs);
      expect((await scanner.scan(text)).how).toBe("acknowledged");
      await over;
    }
    expect(await desk.scans()).toEqual(texts);
    expect(await desk.suspected()).not.toContain("CMD:UNDO");
  },
);

test.concurrent("an SSI packet that loses a bit on the way is asked for again", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: zebra-ssi",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createSsiScanner(cable, { timeoutMs: 2_000, type: 0xc1 });
  onTestFinished(scanner.close);

  scanner.corruptNext();
  expect(await scanner.scan(LABEL)).toEqual({ how: "acknowledged", sent: 2 });
  expect(await desk.scans()).toEqual([`]d2${LABEL}`]);
  expect(desk.figures.noise["checksum"]).toBeGreaterThan(0);
});

test.concurrent("the lamp of an SSI scanner stays on from a scan that is not in order to one that is", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: zebra-ssi",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createSsiScanner(cable, { timeoutMs: 2_000, type: 0x0f });
  onTestFinished(scanner.close);

  desk.judge("unknown");
  await scanner.scan(LABEL);
  await until("the lamp is on", scanner.lamp);
  expect(scanner.tones).toEqual(["2 short low"]);
  desk.judge("accepted");
  await scanner.scan(`${LABEL}A`);
  await until("the lamp is off", () => !scanner.lamp());
});

test.concurrent("a label that fills three SSI packets is one scan, kept before its last packet is answered", async ({
  onTestFinished,
}) => {
  const { scanner, desk } = await openSsi({ charactersMax: 10 }, onTestFinished);
  const release = desk.holdDisk();
  let outcome: string | undefined;
  const scanned = scanner.scan(LABEL).then(({ how }) => {
    outcome = how;
  });
  await until("its beginning is acknowledged", () => desk.figures.said.length === 2);
  await pause(100);
  expect([outcome, scanner.tones]).toEqual([undefined, []]);
  release();
  await scanned;

  expect(outcome).toBe("acknowledged");
  expect(desk.figures.said.slice(0, 3)).toEqual(["part", "part", "kept"]);
  expect(await desk.scans()).toEqual([`]C1${LABEL}`]);
});

test.concurrent("an SSI packet in the middle of a label that loses a bit, or its answer, is sent again and joined once", async ({
  onTestFinished,
}) => {
  const { scanner, desk } = await openSsi({ charactersMax: 10 }, onTestFinished);
  scanner.loseAnswers(1);
  expect(await scanner.scan(LABEL)).toEqual({ how: "acknowledged", sent: 4 });
  scanner.corruptNext();
  expect(await scanner.scan(`${LABEL}A`)).toEqual({ how: "acknowledged", sent: 4 });
  expect(await desk.scans()).toEqual([`]C1${LABEL}`, `]C1${LABEL}A`]);
});

test.concurrent("a label in SSI packets that is longer than frameBytesMax is refused, and the next is read", async ({
  onTestFinished,
}) => {
  const { scanner, desk } = await openSsi(
    { charactersMax: 200 },
    onTestFinished,
    "frameBytesMax: 512",
  );
  expect((await scanner.scan("x".repeat(601))).how).toBe("error");
  expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
  expect(await desk.scans()).toEqual([`]C1${LABEL}`]);
});

describe.concurrent.each([
  ["ENQ alone", "profile: zebra, framing: { kind: delimiter, delimiter: any }", false],
  ["ACK/NAK with ENQ", "profile: zebra-stx-etx, answer: { timeoutMs: 5000 }", true],
])("Zebra with %s", (_, words, answered) => {
  async function openInvited(timeoutMs: number, onTestFinished: Finished) {
    const cable = openCable(onTestFinished);
    const desk = await openDesk({
      scanner: `${words}, enquireMs: 100`,
      path: cable.path,
      finished: onTestFinished,
    });
    await desk.untilOpen();
    const end = answered ? {} : { prefix: "", suffix: "\r" };
    const family = { ...FAMILIES["zebra-stx-etx"], ...end, answered, enquiry: true, timeoutMs };
    const scanner = createAckNakScanner(cable, family);
    onTestFinished(scanner.close);
    return { desk, scanner };
  }

  test("is invited to send", async ({ onTestFinished }) => {
    const { desk, scanner } = await openInvited(5_000, onTestFinished);
    expect((await scanner.scan(LABEL)).how).toBe("acknowledged");
    expect((await scanner.scan(`${LABEL}A`)).how).toBe("acknowledged");
    await until("both are kept", async () => (await desk.scans()).length === 2);
    expect(await desk.scans()).toEqual([LABEL, `${LABEL}A`]);
  });

  test("is not invited while a scan cannot be kept, and its operator hears that", async ({
    onTestFinished,
  }) => {
    const { desk, scanner } = await openInvited(2 * SHORT_MS, onTestFinished);
    const release = desk.holdDisk();
    const first = scanner.scan(LABEL);
    if (answered) await pause(300);
    else expect((await first).how).toBe("acknowledged");
    await desk.untilHeld();
    if (!answered) await pause(200);
    if (!answered) {
      expect(await scanner.scan(`${LABEL}A`)).toEqual({ how: "error", sent: 0 });
      expect(scanner.tones).toEqual(["error"]);
    }
    release();
    await first;
    expect((await scanner.scan(`${LABEL}B`)).how).toBe("acknowledged");
    await until("both are kept", async () => (await desk.scans()).length === 2);
    expect(await desk.scans()).toEqual([LABEL, `${LABEL}B`]);
  });
});

test.concurrent("a display shows what became of the scan, and what the twin objects to", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: datalogic-display, answer: { timeoutMs: 10000, verdictMs: 2000 }",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createDisplayScanner(cable, { timeoutMs: LONG_MS, suffix: "\r\n" });
  onTestFinished(scanner.close);

  await scanner.scan(LABEL);
  expect([scanner.screen(), scanner.lit]).toEqual([["SAVED"], ["green"]]);
  desk.judge("discrepancy", 0, "it belongs to folder F0001, not to F0002\u001b[3q");
  await scanner.scan(LABEL);
  expect(scanner.screen()).toEqual([
    "CHECK THIS",
    "it belongs to",
    "folder F0001,",
    "not to F0002?[3q",
  ]);
  expect([scanner.lit, scanner.lamps()]).toEqual([["green", "red"], []]);
  desk.refuse("full");
  await scanner.scan(LABEL);
  expect(scanner.screen()).toEqual(["NOT SAVED", "Scan it again."]);
});

test.concurrent("the characters of a Datalogic handshake are settings", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: datalogic-ack-nak, answer: { ack: 36, nak: 64 }",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const family = { ...FAMILIES["datalogic-ack-nak"], ack: 0x24, nak: 0x40, timeoutMs: 2_000 };
  const scanner = createAckNakScanner(cable, family);
  onTestFinished(scanner.close);

  expect(await scanner.scan(LABEL)).toEqual({ how: "acknowledged", sent: 1 });
});

test.concurrent.for([
  ["zebra", "profile: zebra, beep: 7", "", [0x07]],
  ["honeywell", "profile: honeywell", "\r", []],
  ["datalogic", "profile: datalogic, beep: 66", "\r\n", [0x42]],
] as const)(
  "a plain %s scan is kept, and what can beep on a character beeps when it is",
  async ([_, words, end, beeps], { onTestFinished }) => {
    const cable = openCable(onTestFinished);
    const desk = await openDesk({ scanner: words, path: cable.path, finished: onTestFinished });
    await desk.untilOpen();

    const release = desk.holdDisk();
    await cable.write(Buffer.from(`]C1${LABEL}${end}`));
    await pause(150);
    expect(cable.take()).toHaveLength(0);
    release();
    await until("the scan is kept", async () => (await desk.scans()).length === 1);

    expect(await desk.scans()).toEqual([`]C1${LABEL}`]);
    const heard: number[] = [];
    await until("what is to be heard is heard", () => {
      heard.push(...cable.take());
      return heard.length >= beeps.length;
    });
    expect(heard).toEqual(beeps);
  },
);

test.concurrent("a plain scan is kept though its scanner takes no tone, and a tone that would come late is left out", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: datalogic, beep: 66, flowControl: software",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  let heard = 0;
  const hear = () => {
    heard += cable.take().length;
    return heard;
  };
  let scanned = 0;
  const scan = () => cable.write(Buffer.from(`${LABEL}${scanned++}\r\n`));
  const areKept = async () => (await desk.scans()).length === scanned;

  await cable.write(XOFF);
  await scan();
  await until("it is kept", areKept);
  // More than the reader holds.
  for (let n = 0; n < 200; n++) await scan();
  await until("all are kept", areKept);
  await until("a tone is left out", async () => {
    await scan();
    return desk.figures.noted.includes("too-late");
  });
  await until("these are kept, too", areKept);
  expect(hear()).toBe(0);

  await cable.write(XON);
  await until("what was being said is heard", () => hear() > 0);
  expect(heard).toBe(1);
  await until("a scan of now is heard of", async () => {
    await scan();
    return hear() > 1;
  });
  await until("each tone was heard or counted", () => {
    return hear() + desk.figures.noted.length === scanned;
  });
  expect(desk.figures.noted.length).toBeGreaterThan(200);
});

test.concurrent("scans that only silence parts stay apart while the disk is slow", async ({
  onTestFinished,
}) => {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: "profile: zebra",
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const release = desk.holdDisk();
  for (const text of ["AAA", "BBB", "CCC"]) {
    await cable.write(Buffer.from(text));
    await pause(300);
  }
  release();
  await until("the scans are kept", async () => (await desk.scans()).join("").length === 9);
  expect(await desk.scans()).toEqual(["AAA", "BBB", "CCC"]);
});

async function plug(
  { profile, answer, plug: wire }: Family,
  timeoutMs: number,
  onTestFinished: Finished,
) {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: `profile: ${profile}, answer: { timeoutMs: ${timeoutMs}, ${answer} }`,
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = wire(cable, timeoutMs);
  onTestFinished(scanner.close);
  return { cable, desk, scanner };
}

async function openSsi(
  { charactersMax }: { readonly charactersMax: number },
  onTestFinished: Finished,
  more = "",
) {
  const cable = openCable(onTestFinished);
  const desk = await openDesk({
    scanner: `profile: zebra-ssi, answer: { timeoutMs: ${2 * SHORT_MS} }${more === "" ? "" : `, ${more}`}`,
    path: cable.path,
    finished: onTestFinished,
  });
  await desk.untilOpen();
  const scanner = createSsiScanner(cable, { timeoutMs: 2 * SHORT_MS, type: 0x0f, charactersMax });
  onTestFinished(scanner.close);
  return { cable, desk, scanner };
}

/** Time in which nothing must happen. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
