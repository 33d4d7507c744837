/**
 * Who may look at the gateway's own page: on this machine anyone, from anywhere else whoever has the
 * token. It tells what was scanned a moment ago, so beyond this machine it is refused without one.
 */
import { isLoopback } from "../kernel/loopback.ts";

export type StatusConfig = {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
};

export const statusProperties = {
  tokenFile: {
    type: "string",
    minLength: 1,
    maxLength: 4096,
    description:
      "File with a token that the page, health and metrics ask for; needed on any other address than this machine's",
  },
} as const;

export function statusProblems({ host, tokenFile }: StatusConfig) {
  if (isLoopback(host) || tokenFile !== undefined) return [];
  const what = `${host} is reached from other machines; name a file with a token under tokenFile, or listen on 127.0.0.1`;
  return [{ path: ["http", "host"], what }];
}
