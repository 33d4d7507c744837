/** The way to a device by what its path says: a tty, a keyboard, or a serial device server. */
import type { OpenLine } from "../ports.ts";
import { openKeyboard } from "./keyboard.ts";
import { openSerial } from "./serial.ts";
import { openTcpLine } from "./tcp-line.ts";

export const openLine: OpenLine = (settings, stop) => {
  if (/^(tcp|rfc2217):/.test(settings.path)) return openTcpLine(settings, stop);
  return settings.isKeyboard === true ? openKeyboard(settings) : openSerial(settings);
};
