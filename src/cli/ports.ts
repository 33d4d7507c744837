/**
 * `racktrace ports`: what is plugged in, by what name to configure it, who holds it, and which profile
 * suits it. Looks and opens nothing, so it may be asked while a gateway runs.
 */
import type { Command } from "commander";
import { suggestionFor } from "../devices/usb/makers.ts";
import { lastingName, type PluggedIn, pluggedIn } from "../io/machine/plugged-in.ts";
import { type OpenFiles, openFiles } from "../io/machine/processes.ts";
import { linesForTerminal } from "./for-terminal.ts";

type Options = { readonly json?: boolean; readonly root: string };

export function define(command: Command): void {
  command
    .option("--json", "one JSON object a line")
    .option("--root <DIR>", "look at the /sys, /dev and /proc of a tree below this folder", "/")
    .action((options: Options) => ports(options));
}

function ports({ json, root }: Options): void {
  // A keyboard of nobody who makes scanners is a keyboard.
  const all = pluggedIn(root).filter(
    ({ kind, vendorId }) => kind === "serial" || suggestionFor(vendorId, kind) !== undefined,
  );
  const files = openFiles(root);
  const told = all.map((port) => tell(port, all, files));
  for (const one of told) print(json === true ? JSON.stringify(one) : asText(one));
  if (json === true) return;
  if (told.length === 0)
    print(
      "Nothing is plugged in that could be a scanner or an instrument. `dmesg` names new plugs.",
    );
  if (files.hidden && told.length > 0)
    print("\nOther users' programs are not seen; run this with sudo to see who holds a port.");
}

function tell(port: PluggedIn, all: readonly PluggedIn[], files: OpenFiles) {
  const { maker, profile, acknowledged } = suggestionFor(port.vendorId, port.kind) ?? {};
  return {
    path: lastingName(port, all),
    ...port,
    family: maker,
    profile,
    acknowledged,
    heldBy: files.holdersOf(port.device),
  };
}

function asText(port: ReturnType<typeof tell>): string {
  const { path, device, vendorId, productId, family, product, serialNumber, heldBy } = port;
  const usb = vendorId === undefined ? (port.driver ?? "no USB") : `${vendorId}:${productId}`;
  const what = [family, product].filter((word) => word !== undefined).join(", ");
  const serial = serialNumber === undefined ? "" : `, serial number ${serialNumber}`;
  const holders = heldBy.map(({ pid, command }) => `${command} (pid ${pid})`).join(", ");
  return [
    path,
    `  ${what === "" ? "unknown device" : what} (${usb}${serial}), now ${device}`,
    `  ${holders === "" ? "free" : `held by ${holders}`}`,
    `  ${adviceFor(port)}`,
  ].join("\n");
}

function adviceFor({ kind, path, profile, acknowledged }: ReturnType<typeof tell>): string {
  if (profile === undefined)
    return `a scanner, a bus or an instrument: racktrace listen ${path} shows what it sends`;
  if (kind === "keyboard")
    return "profile: hid (a serial interface is better, if the scanner has one)";
  if (acknowledged === undefined) return `profile: ${profile}`;
  return `profile: ${profile}; ${acknowledged} once the scanner is set to wait, so that its beep means saved`;
}

function print(line: string): void {
  process.stdout.write(`${linesForTerminal(line)}\n`);
}
