/** `HOST:PORT` as flags say it. */
import { InvalidArgumentError } from "commander";

export function hostPort(text: string): { readonly host: string; readonly port: number } {
  const [, host = "", digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = digits === "" ? -1 : Number(digits);
  if (port < 0 || port > 65535)
    throw new InvalidArgumentError(
      "write HOST:PORT, such as 127.0.0.1:8780; port 0 is any free one",
    );
  return { host: host === "" ? "127.0.0.1" : host.replace(/^\[(.*)\]$/, "$1"), port };
}
