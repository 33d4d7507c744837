/** The simulator's scanners against bytes that the makers print, so that two misreadings cannot agree. */
import { expect, test } from "vitest";
import { createAckNakScanner, FAMILIES } from "../../../firmware-sim/ack-nak.ts";
import type { AnsweredScanner, DeviceLine } from "../../../firmware-sim/answered.ts";
import { createHostAckScanner } from "../../../firmware-sim/host-ack.ts";
import { createSsiScanner, ssiPacket } from "../../../firmware-sim/ssi.ts";

const DECODER = 0;
const HOST = 4;

test.each([
  [
    "DS457 manual, SSI_MGMT_COMMAND",
    ssiPacket(0x80, HOST, 0, [0, 6, 0x20, 0, 0, 0xff]),
    "0a80040000062000 00fffe4d",
  ],
  ["CMD_ACK of the host", ssiPacket(0xd0, HOST, 0), "04d00400 ff28"],
  ["CMD_ACK of the decoder", ssiPacket(0xd0, DECODER, 0), "04d00000 ff2c"],
  ["SCAN_ENABLE", ssiPacket(0xe9, HOST, 0), "04e90400 ff0f"],
  ["START_SESSION", ssiPacket(0xe4, HOST, 0), "04e40400 ff14"],
])("%s", (_name, packet, hex) => {
  expect(Buffer.from(packet).toString("hex")).toBe(hex.replaceAll(" ", ""));
});

test("an SSI scanner sends three times, marked from the second on, and then sounds its error", async () => {
  const line = recorded();
  const scanner = createSsiScanner(line, { timeoutMs: 20, type: 3 });
  expect(await scanner.scan("A")).toEqual({ how: "error", sent: 3 });
  scanner.close();
  expect(line.sent).toEqual(
    ["06f30000034 1fec3", "06f30001034 1fec2", "06f30001034 1fec2"].map(tight),
  );
  expect(scanner.tones).toEqual(["LO-LO-LO-LO"]);
});

test("a Host ACK scanner is silent until an escape command, and each command sounds", async () => {
  const line = recorded(["\x1b7,"]);
  const scanner = createHostAckScanner(line, { timeoutMs: 200, suffix: "\r" });
  expect(await scanner.scan("A")).toEqual({ how: "acknowledged", sent: 1 });
  scanner.close();
  expect([line.sent, scanner.tones]).toEqual([["410d"], ["good"]]);
});

test.each<[string, keyof typeof FAMILIES, string, number, AnsweredScanner["tones"]]>([
  ["Zebra sends three times on NAK", "zebra-stx-etx", "\x15", 3, ["error"]],
  ["Zebra does not send again on silence", "zebra-stx-etx", "", 1, ["error"]],
  [
    "Metrologic takes BEL for three beeps and the end",
    "honeywell-ack-nak",
    "\x07",
    1,
    ["beep", "beep", "beep"],
  ],
  ["Metrologic takes CAN for a silent end", "honeywell-ack-nak", "\x18", 1, []],
  ["Datalogic beeps on its ACK", "datalogic-ack-nak", "\x06", 1, ["good"]],
])("%s", async (_name, family, says, sent, tones) => {
  const line = recorded([says, says, says, says]);
  const scanner = createAckNakScanner(line, { ...FAMILIES[family], timeoutMs: 60 });
  expect((await scanner.scan("A")).sent).toBe(sent);
  scanner.close();
  expect(scanner.tones).toEqual(tones);
});

/** A line whose host says these, one after each frame. */
function recorded(says: readonly string[] = []): DeviceLine & { readonly sent: string[] } {
  const sent: string[] = [];
  const words = [...says];
  let ready = "";
  return {
    sent,
    async write(bytes) {
      sent.push(Buffer.from(bytes).toString("hex"));
      ready = words.shift() ?? "";
      return true;
    },
    take() {
      const bytes = Buffer.from(ready, "latin1");
      ready = "";
      return bytes;
    },
  };
}

function tight(hex: string): string {
  return hex.replaceAll(" ", "");
}
