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

test("two scanners of one kind without serial numbers are named by their sockets", async () => {
  const machine = createMachineTree();
  for (const n of [0, 1])
    machine.port({
      tty: `ttyACM${n}`,
      usb: { socket: `1-${n + 1}`, vendor: "0c2e", product: "0ca1" },
      // udev gives the one name to the one that came last.
      ...(n === 1 && { byId: "usb-Honeywell_Scanner-if00" }),
      byPath: `pci-0:${n + 1}:1.0`,
    });

  const { stdout } = await run(["ports", "--root", machine.root]);

  expect(stdout).toContain("/dev/serial/by-path/pci-0:1:1.0\n  Honeywell");
  expect(stdout).toContain("/dev/serial/by-path/pci-0:2:1.0\n  Honeywell");
  expect(stdout).toContain("honeywell-host-ack once the scanner is set to wait");
});
