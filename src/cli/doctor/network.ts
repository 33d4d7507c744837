/** What is wrong with addresses: those that the gateway listens on, and those that it calls. */
import { ENDING_CAUSE, ENDING_NEXT, endingOf } from "../../gateway/certificate.ts";
import type { Listening, Reach } from "../../io/machine/address-probe.ts";
import type { Process } from "../../io/machine/processes.ts";
import type { Clock } from "../../ports.ts";
import { type Finding, finding } from "./finding.ts";

export type Called = {
  /** Such as `twin` or `broker broker-hall`. */
  readonly about: string;
  readonly address: string;
  readonly reach: Reach;
};

type Words = readonly [what: string, cause: string, next: string];

export function judgeCalled({ about, address, reach }: Called): readonly Finding[] {
  if (reach.kind === "ok") return [];
  const words: Readonly<Record<Exclude<Reach["kind"], "ok">, Words>> = {
    "unknown-host": [
      `${address}: nobody knows this name`,
      "it is misspelt, or name resolution does not work here",
      "correct the address, or see `resolvectl status`; an IP address needs no name server",
    ],
    refused: [
      `${address} refuses connections`,
      "the machine is there, and nothing listens on that port: it is not started",
      "start it there, or correct the port",
    ],
    unreachable: [
      `${address} cannot be reached`,
      "there is no way to that network",
      "check cable, address and route: `ip addr`, `ip route`",
    ],
    timeout: [
      `${address} does not answer`,
      "the machine is off, or a firewall drops what is sent",
      "is it on, and is the port open in its firewall?",
    ],
    mute: [
      `${address} accepts connections and says nothing`,
      "what listens there is no MQTT broker, wants TLS, or hangs",
      "correct the port; write mqtts:// where it wants TLS; else start it again",
    ],
    "other-protocol": [
      `${address} answers, and not as an MQTT broker does`,
      "another service listens on that port, or one side speaks TLS and the other does not",
      "correct the port: the twin's broker is on 1884 and its page on 8780; mqtts:// is for TLS",
    ],
    certificate: [`${address}: its certificate is not good`, ...certificateWords(reach)],
    "not-welcome": [
      `${address} does not take this gateway`,
      "detail" in reach ? reach.detail : "",
      "check the gateway's name on both sides, user and password",
    ],
  };
  const detail = reach.kind === "not-welcome" ? "" : ` (${reach.detail})`;
  const [what, cause, next] = words[reach.kind];
  return [finding(`${reach.kind}`, about, [`${what}${detail}`, cause, next])];
}

/** The gateway's own, which it shows to the twin. */
export function judgeCertificate(
  endsMs: number | undefined,
  { nowMs }: Pick<Clock, "nowMs">,
): readonly Finding[] {
  const ending = endingOf(endsMs, nowMs());
  if (ending === undefined) return [];
  return [finding("certificate-ends", "twin", [ending, ENDING_CAUSE, ENDING_NEXT])];
}

function certificateWords(reach: Reach): readonly [cause: string, next: string] {
  const detail = "detail" in reach ? reach.detail : "";
  if (detail.includes("HAS_EXPIRED"))
    return [
      "it has expired, or this machine's clock is ahead",
      "renew it there; check `date` here",
    ];
  if (detail.includes("NOT_YET_VALID"))
    return ["it is not valid yet: this machine's clock is behind", "set the clock: `timedatectl`"];
  if (detail.includes("ALTNAME"))
    return [
      "it was made for another name",
      "use the name in the certificate, or have one made for this",
    ];
  return [
    "nobody whom this machine trusts has signed it",
    "for the twin: `racktrace gateway enrol`, as the gateway's user; for another broker: NODE_EXTRA_CA_CERTS=/etc/racktrace/ca.pem",
  ];
}

export type Listened = {
  readonly key: "http" | "mqtt";
  readonly host: string;
  readonly port: number;
  readonly state: Listening;
  readonly holders: readonly Process[];
};

export function judgeListened({ key, host, port, state, holders }: Listened): readonly Finding[] {
  const about = `${key} address ${host}:${port}`;
  const who = holders.map(({ pid, command }) => `${command} (pid ${pid})`).join(", ");
  if (state === "taken")
    return [
      finding("port-taken", about, [
        "the port is taken",
        who === ""
          ? "another program listens there (ask with sudo to see which)"
          : `${who} listens there`,
        `stop that program, or set ${key}.port to another`,
      ]),
    ];
  if (state === "not-permitted")
    return [
      finding("port-not-permitted", about, [
        "this user may not listen there",
        "ports below 1024 are for root",
        `set ${key}.port to 1024 or above`,
      ]),
    ];
  if (state === "no-such-address")
    return [
      finding("no-such-address", about, [
        `${host} is no address of this machine`,
        "it is another machine's, or its network is not up",
        `set ${key}.host to one of \`ip addr\`, or to 127.0.0.1`,
      ]),
    ];
  return [];
}

export type PasswordFile = {
  readonly about: string;
  readonly path: string;
  readonly state: "absent" | "unreadable" | "open-to-all" | "well";
};

export function judgePassword({ about, path, state }: PasswordFile): readonly Finding[] {
  if (state === "well") return [];
  const words: Readonly<Record<typeof state, Words>> = {
    absent: [
      `${path} is not there`,
      "the password file was not made, or has another name",
      "write the password into its first line",
    ],
    unreadable: [
      `this user may not read ${path}`,
      "it belongs to somebody else",
      `chown racktrace-gateway: ${path}`,
    ],
    "open-to-all": [
      `everybody on this machine may read ${path}`,
      "its mode was not set",
      `chmod 600 ${path}`,
    ],
  };
  return [finding(`password-${state}`, about, words[state], state !== "open-to-all")];
}
