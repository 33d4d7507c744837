/** The way to a device by what its path says: a tty, a keyboard, or a serial device server. */
import { Fault } from "../kernel/fault.ts";
import type { ByteLine, OpenLine } from "../ports.ts";
import { openKeyboard } from "./keyboard.ts";
import { openSerial } from "./serial.ts";
import { openTcpLine } from "./tcp-line.ts";

/** Words that wait to be taken. A device that sends on, and takes none of its answers, would fill the memory. */
const UNTAKEN_MAX = 1_024;

export const openLine: OpenLine = async (settings, stop) =>
  withBound(await openAny(settings, stop), settings.path);

const openAny: OpenLine = (settings, stop) => {
  if (/^(tcp|rfc2217):/.test(settings.path)) return openTcpLine(settings, stop);
  return settings.isKeyboard === true ? openKeyboard(settings) : openSerial(settings);
};

function withBound(line: ByteLine, path: string): ByteLine {
  let untaken = 0;
  return {
    ...line,
    async write(bytes) {
      if (untaken >= UNTAKEN_MAX)
        throw new Fault("SERIAL_LOST", `${path}: it takes nothing of what it is told`);
      untaken += 1;
      try {
        await line.write(bytes);
      } finally {
        untaken -= 1;
      }
    },
  };
}
