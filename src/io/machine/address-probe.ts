/**
 * Whether an address can be reached or listened on, and what hinders: each way of failing has its own
 * name, since each has its own next step.
 */
import { connect, createServer, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type Reach =
  | { readonly kind: "ok" }
  | {
      readonly kind:
        | "unknown-host"
        | "refused"
        | "unreachable"
        | "timeout"
        /** It speaks, and not what was expected. */
        | "other-protocol"
        /** It accepts and says nothing. */
        | "mute"
        | "certificate"
        | "not-welcome";
      readonly detail: string;
    };

export type BrokerAsked = {
  readonly url: string;
  /** Undefined: only the way there is tried, and nobody is greeted. */
  readonly clientId: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For TLS: whom we trust instead of whom this machine trusts, and who we are. */
  readonly keys?: TlsKeys | undefined;
  readonly waitMs: number;
};

export type TlsKeys = {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
  /** By which name the other end is known. */
  readonly servername: string;
};

/** Greets a broker as MQTT 3.1.1 does, and takes leave. */
export async function probeBroker(asked: BrokerAsked): Promise<Reach> {
  const { protocol, hostname, port } = new URL(asked.url);
  const secure = protocol === "mqtts:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const where = { host, port: Number(port || (secure ? 8883 : 1883)) };
  const opened = await open(where, { secure, waitMs: asked.waitMs, keys: asked.keys });
  if (!("socket" in opened)) return opened;
  const { socket } = opened;
  try {
    return asked.clientId === undefined ? { kind: "ok" } : await greet(socket, asked);
  } finally {
    socket.destroy();
  }
}

export async function probeTcp(host: string, port: number, waitMs: number): Promise<Reach> {
  const opened = await open({ host, port }, { secure: false, waitMs });
  if (!("socket" in opened)) return opened;
  opened.socket.destroy();
  return { kind: "ok" };
}

type Where = { readonly host: string; readonly port: number };

function open(
  { host, port }: Where,
  {
    secure,
    waitMs,
    keys,
  }: { readonly secure: boolean; readonly waitMs: number; readonly keys?: TlsKeys | undefined },
): Promise<{ readonly socket: Socket } | Reach> {
  return new Promise((resolve) => {
    const settle = (result: { readonly socket: Socket } | Reach) => {
      socket.setTimeout(0);
      if (!("socket" in result)) socket.destroy();
      resolve(result);
    };
    const socket: Socket = secure
      ? // An address has no name to ask for.
        connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...keys }, () =>
          settle({ socket }),
        )
      : connect({ host, port }, () => settle({ socket }));
    socket.setTimeout(waitMs, () =>
      settle({ kind: "timeout", detail: `nothing for ${waitMs} ms` }),
    );
    socket.on("error", (error) => settle(failure(error)));
  });
}

function failure(error: NodeJS.ErrnoException): Reach {
  const { code = "", message } = error;
  const detail = code === "" ? message : `${code}: ${message}`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return { kind: "unknown-host", detail };
  if (code === "ECONNREFUSED") return { kind: "refused", detail };
  if (/^E(HOST|NET)UNREACH$|^EADDRNOTAVAIL$/.test(code)) return { kind: "unreachable", detail };
  if (code === "ETIMEDOUT") return { kind: "timeout", detail };
  if (/CERT|SELF_SIGNED|ISSUER|VERIFY|ALTNAME/.test(code)) return { kind: "certificate", detail };
  return { kind: "other-protocol", detail };
}

/** CONNACK of MQTT 3.1.1, 3.2.2.3. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "it does not speak MQTT 3.1.1",
  2: "it does not take this name",
  3: "it is not available now",
  4: "user or password is wrong",
  5: "this client is not permitted",
};

function greet(socket: Socket, asked: BrokerAsked): Promise<Reach> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    socket.setTimeout(asked.waitMs, () =>
      resolve({ kind: "mute", detail: `connected, and nothing for ${asked.waitMs} ms` }),
    );
    socket.on("data", (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      if (heard[0] !== 0x20)
        return resolve({
          kind: "other-protocol",
          detail: `it says ${heard.subarray(0, 16).toString("hex")}`,
        });
      if (heard.length < 4) return;
      const code = heard[3] ?? 0;
      if (code !== 0)
        return resolve({ kind: "not-welcome", detail: REFUSALS[code] ?? `CONNACK ${code}` });
      socket.end(Uint8Array.of(0xe0, 0));
      resolve({ kind: "ok" });
    });
    socket.on("error", (error) => resolve(failure(error)));
    socket.on("close", () =>
      resolve({ kind: "other-protocol", detail: "it closes the connection when it is greeted" }),
    );
    socket.write(connectPacket(asked));
  });
}

function connectPacket({ clientId = "", username, password }: BrokerAsked): Uint8Array {
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
  };
  const flags = 0x02 | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const body = Buffer.concat([
    text("MQTT"),
    Uint8Array.of(4, flags, 0, 10),
    text(clientId),
    ...(username === undefined ? [] : [text(username)]),
    ...(password === undefined ? [] : [text(password)]),
  ]);
  const length: number[] = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Uint8Array.of(0x10, ...length), body]);
}

export type Listening = "free" | "taken" | "not-permitted" | "no-such-address" | "other";

export function probeListening(host: string, port: number): Promise<Listening> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "EADDRINUSE") resolve("taken");
      else if (code === "EACCES") resolve("not-permitted");
      else
        resolve(/EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN/.test(code ?? "") ? "no-such-address" : "other");
    });
    server.listen(port, host, () => server.close(() => resolve("free")));
  });
}
