/** The /sys, /dev and /proc of a pretended machine, as far as the product looks at them. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { temporaryFolder } from "./folder.ts";

export type PretendedPort = {
  readonly tty: string;
  readonly usb?: {
    readonly socket: string;
    readonly vendor: string;
    readonly product: string;
    readonly name?: string;
    readonly serial?: string;
  };
  readonly byId?: string;
  readonly byPath?: string;
};

export type MachineTree = {
  readonly root: string;
  port(port: PretendedPort): void;
  keyboard(event: string, vendor: string, byId: string): void;
  /** A process that has these files open. */
  process(pid: number, command: readonly string[], files?: readonly string[]): void;
  file(path: string, text: string): void;
};

export function createMachineTree(): MachineTree {
  const root = temporaryFolder();
  const at = (path: string) => join(root, path);
  const file = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  const link = (path: string, to: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    symlinkSync(relative(dirname(at(path)), at(to)), at(path));
  };
  // What every machine has, and nobody can scan with.
  mkdirSync(at("sys/class/tty/tty0"), { recursive: true });
  mkdirSync(at("sys/devices/platform/serial8250"), { recursive: true });
  link("sys/class/tty/ttyS0/device", "sys/devices/platform/serial8250");
  file("sys/class/tty/ttyS0/type", "0\n");

  return {
    root,
    file,
    port({ tty, usb, byId, byPath }) {
      const bus = "sys/devices/pci0000:00/usb1";
      const interfaceFolder = usb ? `${bus}/${usb.socket}/${usb.socket}:1.0` : "sys/devices/board";
      mkdirSync(at(interfaceFolder), { recursive: true });
      if (usb) {
        const device = `${bus}/${usb.socket}`;
        file(`${device}/idVendor`, `${usb.vendor}\n`);
        file(`${device}/idProduct`, `${usb.product}\n`);
        if (usb.name) file(`${device}/product`, `${usb.name}\n`);
        if (usb.serial) file(`${device}/serial`, `${usb.serial}\n`);
      }
      link(`sys/class/tty/${tty}/device`, interfaceFolder);
      file(`dev/${tty}`, "");
      if (byId) link(`dev/serial/by-id/${byId}`, `dev/${tty}`);
      if (byPath) link(`dev/serial/by-path/${byPath}`, `dev/${tty}`);
    },
    keyboard(event, vendor, byId) {
      file(`sys/class/input/${event}/device/id/vendor`, `${vendor}\n`);
      file(`sys/class/input/${event}/device/id/product`, "1200\n");
      file(`sys/class/input/${event}/device/name`, "Bar Code Scanner\n");
      file(`dev/input/${event}`, "");
      link(`dev/input/by-id/${byId}`, `dev/input/${event}`);
    },
    process(pid, command, files = []) {
      file(`proc/${pid}/cmdline`, command.map((word) => `${word}\0`).join(""));
      file(`proc/${pid}/comm`, `${command[0]?.split("/").at(-1)?.slice(0, 15)}\n`);
      mkdirSync(at(`proc/${pid}/fd`), { recursive: true });
      files.forEach((path, fd) => {
        symlinkSync(path, at(`proc/${pid}/fd/${fd}`));
      });
    },
  };
}
