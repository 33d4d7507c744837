/**
 * The port that MQTT clients come to, in plain text or TLS: accepts, watches strangers (mqtt-guard.ts),
 * and hands to the broker what it may handle. Both brokers stand behind one of these.
 *
 * With TLS a client certificate is asked for and never demanded: a newcomer has none yet, and one that
 * is wrong is refused by name in CONNACK and in the journal instead of by a broken handshake. One that is not
 * valid yet is good: who signed it is this machine, whose clock was ahead then or is behind now, and who is let
 * in with it is in a list.
 */
import { constants } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Aedes, Client } from "aedes";
import { Fault } from "../kernel/fault.ts";
import { neighbourhood } from "../kernel/neighbourhood.ts";
import type { Journal } from "../ports.ts";
import { objectionBeyondDates } from "./certificates.ts";
import {
  type ConnectionLimits,
  type MqttConnection,
  openMqttConnection,
  TurnedAway,
} from "./mqtt-connection.ts";
import { hearGreeting } from "./mqtt-greeting.ts";
import { createGuard, type GuardLimits } from "./mqtt-guard.ts";
import { boundPacketMemory } from "./mqtt-packet-memory.ts";
import { parseStrictly } from "./mqtt-strict.ts";
import { takeOverInTurn } from "./mqtt-takeover.ts";
import { createTally, type Tally } from "./mqtt-tally.ts";

/** Who is at the other end, as far as the transport can tell. */
export type Peer =
  /** No TLS: a client is whoever it says it is. */
  | { readonly kind: "plain" }
  /** TLS without a client certificate. */
  | { readonly kind: "nobody" }
  | { readonly kind: "certified"; readonly name: string; readonly serial: string }
  /** It showed a certificate that is worth nothing here. */
  | { readonly kind: "wrong"; readonly name: string; readonly why: string };

export type DoorKeys = {
  readonly key: string;
  /** The door's own certificate, and the authority's behind it. */
  readonly certificate: string;
  readonly authority: string;
  /** Of the authority that is to follow, whose certificates are good already. */
  readonly next?: string | undefined;
};

export type DoorOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly guard: GuardLimits;
  readonly connection: Omit<ConnectionLimits, "firstBytesMax">;
  /** Absent: plain text. */
  readonly keys?: DoorKeys | undefined;
  /** For whom it is, in words, when the port is taken. */
  readonly audience: string;
};

export type MqttDoor = {
  readonly port: number;
  readonly tally: Tally;
  readonly connections: ReadonlySet<MqttConnection>;
  strangers(): number;
  /** Keys for connections from now on. Of another authority: all others end, as the one before vouched for them. */
  renew(keys: DoorKeys): void;
  /** Accepts no more. */
  close(): void;
  /** Resolves when the last connection has ended, too. */
  readonly closed: Promise<void>;
};

const TCP_KEEPALIVE_MS = 60_000;
const TO_COME = "CERT_NOT_YET_VALID";
/** Ephemeral keys and authenticated encryption only; TLS 1.3 has nothing else. */
const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
].join(":");

const connectionsOf = new WeakMap<object, { readonly peer: Peer; readonly address: string }>();

/** The peer behind a client of aedes. */
export function peerOf(client: Client): Peer {
  return connectionsOf.get(client.conn)?.peer ?? { kind: "plain" };
}

/** Where a client of aedes comes from: its address, or the network that is one's own. */
export function addressOf(client: Client): string {
  return connectionsOf.get(client.conn)?.address ?? "";
}

/** From here on this client is somebody, and what it sent meanwhile is read. */
export function letIn(client: Client): void {
  (client.conn as unknown as MqttConnection).known();
}

/** Throws Fault PORT_TAKEN. */
export async function openMqttDoor(
  { broker, journal }: { readonly broker: Aedes; readonly journal: Journal },
  options: DoorOptions,
): Promise<MqttDoor> {
  boundPacketMemory();
  const tally = createTally(journal, "turned-away");
  const guard = createGuard({ turnedAway: tally.count }, options.guard);
  takeOverInTurn(broker);
  const connections = new Set<MqttConnection>();
  const limits = { ...options.connection, firstBytesMax: options.guard.strangerBytesMax };
  let authority = options.keys?.authority;

  function welcome(socket: Socket, known: () => void, peer: Peer): void {
    const address = neighbourhood(socket.remoteAddress ?? "");
    hearGreeting(socket, limits.firstBytesMax, {
      heard(opening) {
        const connection = openMqttConnection(socket, limits, known, opening);
        connectionsOf.set(connection, { peer, address });
        connections.add(connection);
        connection.once("close", () => connections.delete(connection));
        parseStrictly(broker.handle(connection));
      },
      refused: (why, detail) => tally.count(why, address, detail),
    });
  }

  const told = new WeakSet<object>();
  const ended = (client: Client, error: Error) => {
    const why = whyEnded(error);
    // Each packet that waits on a lost connection fails by itself; the loss is counted once.
    if (why === undefined || told.has(client)) return;
    told.add(client);
    tally.count(why, connectionsOf.get(client.conn)?.address ?? "", error.message);
  };
  broker.on("clientError", ended);
  broker.on("connectionError", ended);

  const secured = options.keys === undefined ? undefined : createSecured(options, tally, welcome);
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS },
    (socket) => {
      const stranger = guard.admit(socket);
      if (stranger === undefined) return;
      if (secured === undefined) welcome(socket, stranger.known, { kind: "plain" });
      else secured.handle(socket, stranger.known);
    },
  );
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  const port = await listen(server, options, (error) =>
    journal.error("door-failed", { for: options.audience, detail: error.message }),
  );

  return {
    port,
    tally,
    connections,
    closed,
    strangers: guard.strangers,
    renew(keys) {
      secured?.renew(keys);
      if (keys.authority === authority) return;
      ({ authority } = keys);
      // Those among them, too, who are still shaking hands.
      guard.dismiss();
      for (const connection of connections) connection.destroy();
    },
    close() {
      server.close();
      guard.dismiss();
    },
  };
}

function createSecured(
  { keys, guard }: DoorOptions,
  tally: Tally,
  welcome: (socket: Socket, known: () => void, peer: Peer) => void,
) {
  /** Who is shaking hands, by what both ends of the TLS socket agree on. */
  const waiting = new Map<string, () => void>();
  const nameOf = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort}`;
  let authorities = keys === undefined ? [] : authoritiesOf(keys);
  const server = createTlsServer({
    ...(keys !== undefined && contextOf(keys)),
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: "X25519:P-256:P-384",
    // A ticket would carry a certificate past its revocation.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: guard.strangerMs,
  });
  server.on("secureConnection", (socket) => {
    const known = waiting.get(nameOf(socket));
    waiting.delete(nameOf(socket));
    if (known === undefined) socket.destroy();
    else welcome(socket, known, peerBehind(socket, authorities));
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    // It hung up by itself.
    if (error.code !== "ECONNRESET")
      tally.count("tls", neighbourhood(socket.remoteAddress ?? ""), error.message);
    socket.destroy();
  });

  return {
    handle(socket: Socket, known: () => void) {
      const name = nameOf(socket);
      waiting.set(name, known);
      socket.once("close", () => waiting.delete(name));
      server.emit("connection", socket);
    },
    renew(next: DoorKeys) {
      server.setSecureContext(contextOf(next));
      authorities = authoritiesOf(next);
    },
  };
}

function authoritiesOf({ authority, next }: DoorKeys): readonly string[] {
  return [authority, ...(next === undefined ? [] : [next])];
}

function contextOf({ key, certificate, authority, next }: DoorKeys) {
  return { key, cert: `${certificate}${authority}`, ca: `${authority}${next ?? ""}` };
}

function peerBehind(socket: TLSSocket, authorities: readonly string[]): Peer {
  const { subject, serialNumber, raw } = socket.getPeerCertificate();
  if (subject === undefined) return { kind: "nobody" };
  const name = typeof subject.CN === "string" ? subject.CN : "";
  const code = String(socket.authorizationError);
  const isToCome = code.includes(TO_COME);
  if (socket.authorized || (isToCome && !objectionBeyondDates(raw, authorities, "client")))
    return { kind: "certified", name, serial: serialNumber.toLowerCase() };
  return { kind: "wrong", name, why: wordsFor(code) };
}

function wordsFor(code: string): string {
  // Whoever reads it has to know which of the two to mend.
  // To the minute: who comes again and again is told once, by these words (mqtt-tally.ts).
  const clock = `this machine's clock says ${new Date().toISOString().slice(0, 16)}Z`;
  if (code.includes("CERT_HAS_EXPIRED")) return `its certificate has expired; ${clock}`;
  if (code.includes(TO_COME)) return `its certificate is not valid yet; ${clock}`;
  if (code.includes("PURPOSE")) return "its certificate is not one for clients";
  return `its certificate is not of this authority (${code})`;
}

function whyEnded(error: Error) {
  if (error instanceof TurnedAway) return error.why;
  const { errorCode, code } = error as { errorCode?: number; code?: string };
  // CONNACK has said why, MQTT 3.1.1 section 3.2.2.3; 3 is "not now", and no fault of the client.
  if (errorCode !== undefined) return errorCode === 3 ? undefined : ("refused" as const);
  if (code !== undefined || / timeout$|closed$|^not kept/.test(error.message)) return undefined;
  return "malformed" as const;
}

function listen(
  server: Server,
  { host, port, audience }: DoorOptions,
  failed: (error: Error) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const detail = `${host}:${port} for ${audience}: ${cause.message}`;
      reject(new Fault("PORT_TAKEN", detail, { cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      // A connection that could not be accepted is no reason to end the others.
      server.on("error", failed);
      resolve((server.address() as { port: number }).port);
    });
  });
}
