/** What is plugged in, on a machine that is made of files. */
import { expect, test } from "vitest";
import { run } from "../support/command.ts";
import { createMachineTree } from "../support/machine-tree.ts";

test("ports names what is plugged in, who holds it, and the profile that suits it", async () => {
  const machine = createMachineTree();
  machine.port({
    tty: "ttyACM0",
    usb: { socket: "1-1", vendor: "05e0", product: "1701", name: "DS8178", serial: "S12" },
    byId: "usb-Zebra_DS8178_S12-if00",
    byPath: "pci-0:1.0",
  });
  machine.port({
    tty: "ttyUSB0",
    usb: { socket: "1-2", vendor: "1a86", product: "7523" },
    byId: "usb-1a86_USB_Serial-if00-port0",
  });
  machine.keyboard("event5", "0c2e", "usb-Honeywell-event-kbd");
  machine.keyboard("event6", "046d", "usb-Logitech-event-kbd");
  machine.process(417, ["/usr/sbin/ModemManager", "--debug"], ["/dev/null", "/dev/ttyACM0"]);

  const { stdout, status } = await run(["ports", "--json", "--root", machine.root]);

  const told = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(status).toBe(0);
  expect(told.map(({ path, profile, acknowledged }) => [path, profile, acknowledged])).toEqual([
    ["/dev/serial/by-id/usb-Zebra_DS8178_S12-if00", "zebra", "zebra-ssi"],
    ["/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", undefined, undefined],
    ["/dev/input/by-id/usb-Honeywell-event-kbd", "hid", undefined],
  ]);
  expect(told[0]).toMatchObject({
    device: "/dev/ttyACM0",
    byPath: ["/dev/serial/by-path/pci-0:1.0"],
    vendorId: "05e0",
    productId: "1701",
    serialNumber: "S12",
    heldBy: [{ pid: 417, command: "/usr/sbin/ModemManager --debug" }],
  });
  expect(told[1].heldBy).toEqual([]);
});

test("what is plugged in moves no cursor of whoever looks, whatever it calls itself", async () => {
  const machine = createMachineTree();
  const usb = { socket: "1-1", vendor: "05e0", product: "1701" };
  machine.port({ tty: "ttyACM0", usb: { ...usb, name: "D\u001b[2JS", serial: "S\u202e12" } });

  const { stdout } = await run(["ports", "--root", machine.root]);

  expect(stdout).toContain("D\\x1b[2JS");
  expect(stdout).toContain("S\\u{202e}12");
});

test.each([
  ["without serial numbers", undefined],
  ["to which their maker gave the same serial number", "0000000001"],
])("two scanners of one kind %s are named by their sockets", async (_how, serial) => {
  const machine = createMachineTree();
  for (const n of [0, 1])
    machine.port({
      tty: `ttyACM${n}`,
      usb: { socket: `1-${n + 1}`, vendor: "0c2e", product: "0ca1", ...(serial && { serial }) },
      // udev gives the one name to the one that came last.
      ...(n === 1 && { byId: "usb-Honeywell_Scanner-if00" }),
      byPath: `pci-0:${n + 1}:1.0`,
    });

  const { stdout } = await run(["ports", "--root", machine.root]);

  expect(stdout).toContain("/dev/serial/by-path/pci-0:1:1.0\n  Honeywell");
  expect(stdout).toContain("/dev/serial/by-path/pci-0:2:1.0\n  Honeywell");
  expect(stdout).toContain("honeywell-host-ack once the scanner is set to wait");
});

test.each([
  ["of one kind with serial numbers of their own", ["1-1", "1-2"], ["S1", "S2"]],
  ["that are one device", ["1-1", "1-1"], ["S1", "S1"]],
])("two ports %s keep the names that stay when the plug moves", async (_how, sockets, serials) => {
  const machine = createMachineTree();
  for (const n of [0, 1])
    machine.port({
      tty: `ttyACM${n}`,
      usb: {
        ...{ socket: sockets[n] ?? "", vendor: "0c2e", product: "0ca1" },
        serial: serials[n] ?? "",
      },
      byId: `usb-Honeywell_${serials[n]}-if0${n}`,
      byPath: `pci-0:${n + 1}:1.0`,
    });

  const { stdout } = await run(["ports", "--root", machine.root]);

  for (const n of [0, 1])
    expect(stdout).toContain(`/dev/serial/by-id/usb-Honeywell_${serials[n]}-if0${n}\n`);
});
