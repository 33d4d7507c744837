/**
 * What the product needs from outside, in its own words. Types only; src/io answers them, and tests
 * answer them with pretended parts. Nothing else in the product touches clocks, sockets or ttys.
 */

/** Wall time can jump; monotonic time starts anywhere, never goes back, and orders one process. */
export type Clock = {
  /** Unix time in milliseconds, whole. */
  nowMs(): number;
  /** Milliseconds since this process (or boot) began, may have a fraction. */
  monotonicMs(): number;
  /** Whether wall time can be trusted: `synced` by NTP or an RTC, `unsynced` since boot, `stepped` lately. */
  quality(): ClockQuality;
  /** Resolves after `ms`, or at once when `stop` is aborted (it never rejects). */
  sleep(ms: number, stop: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms`; the returned function cancels. Does not keep the process alive. */
  after(ms: number, fn: () => void): () => void;
};

export type ClockQuality = "synced" | "unsynced" | "stepped" | "unknown";

/** A number in [0, 1). */
export type Chance = () => number;

/** Makes secrets and recognises them, and keeps none. */
export type Secrets = {
  /** 256 bits that nobody can guess, as text of an address's alphabet. */
  mint(): string;
  /** What is kept of a minted secret, and found again by. A password needs `harden`. */
  digest(secret: string): string;
  /** In a time that does not depend on where they differ. */
  same(a: string, b: string): boolean;
  /** What is kept of a password: slow to make, on purpose, and with its own salt. */
  harden(password: string): Promise<string>;
  /** `stale`: made in a way that is no longer ours; harden it anew while the password is at hand. */
  matches(
    password: string,
    hardened: string,
  ): Promise<{ readonly ok: boolean; readonly stale: boolean }>;
};

/** The structured log. `what` is a stable kebab-case name; details are flat values. */
export type Journal = {
  note(what: string, details?: Readonly<Record<string, unknown>>): void;
  warn(what: string, details?: Readonly<Record<string, unknown>>): void;
  error(what: string, details?: Readonly<Record<string, unknown>>): void;
};

/** One opened byte line (tty, TCP). It ends one way only: `read` returns. */
export type ByteLine = {
  /** Chunks as they arrive; ends when the line closes, by whoever. Consume once. */
  read(): AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
};

export type SerialSettings = {
  /** Device path; prefer /dev/serial/by-id. Or tcp://HOST:PORT, rfc2217://HOST:PORT. */
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
  /** Absent: none. `hardware` is RTS/CTS, `software` XON/XOFF. */
  readonly flowControl?: "none" | "hardware" | "software";
  /** A keyboard: its bytes are key events of the kernel, and nothing is set up. */
  readonly isKeyboard?: boolean;
};

/**
 * Throws Fault SERIAL_LOST when the port is absent, busy or not permitted; the detail says which. A line
 * over a network may take seconds to open, and `stop` ends that with the same Fault.
 */
export type OpenLine = (settings: SerialSettings, stop?: AbortSignal) => Promise<ByteLine>;

/**
 * The way to the twin. One message is one opaque wire message (src/wire). Delivery is at least once
 * and may fail silently: only the twin's own acknowledgement counts.
 */
export type Link = {
  /** Connects and returns; throws Fault LINK_LOST / TWIN_REFUSED. The caller owns reconnecting. */
  connect(stop: AbortSignal): Promise<LinkSession>;
};

export type LinkSession = {
  /** Resolves when the transport has handed the message over (MQTT: PUBACK). Rejects when lost. */
  send(channel: "hello" | "batch", message: Uint8Array): Promise<void>;
  /** Messages from the twin, in order; ends when the session is over. Consume once. */
  receive(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
};

/** Two lanes share a disk budget: scans are sent first and never evicted; telemetry is evicted oldest first. */
export type Lane = "scan" | "telemetry";

/** An event on its way to disk: encoded by src/wire, plus what recognises a retransmission of it. */
export type NewEvent = {
  readonly bytes: Uint8Array;
  /**
   * Names the delivery (client, packet id, topic, payload), not the content, in 64 bits, signed. The
   * outbox remembers it for the last events of each lane (16,384), also across kill -9. Undefined: nothing to
   * recognise it by.
   */
  readonly origin: bigint | undefined;
  /**
   * The source says that it may have sent this before (DUP, or an id of its own): when the origin is
   * remembered, the event is not stored again and shares the first one's seq. Absent or false: a new
   * event even if the origin is remembered, since packet ids come round again. "earlier-start": only when
   * what is remembered was stored before this process began, in the last day before that: of the last
   * 65,536 readings before it, for as long as the process runs.
   */
  readonly retransmission?: boolean | "earlier-start";
};

/** Why an event was not kept. Nothing refused may be acknowledged to its source. */
export type Refusal = "full" | "failed" | "stopping" | "busy";

declare const proof: unique symbol;
/** Proof that something is on disk. Only src/store makes one, after the commit. */
export type Committed = {
  readonly [proof]: true;
  readonly firstSeq: number;
  readonly lastSeq: number;
};

export type Put =
  | { readonly ok: true; readonly commit: Committed }
  | { readonly ok: false; readonly why: Refusal };

export type Waiting = {
  readonly epoch: string;
  readonly lane: Lane;
  /** Seq of the first event in `events`; they are contiguous. */
  readonly firstSeq: number;
  /** Nothing up to here is held any more. */
  readonly goneThrough: number;
  readonly events: readonly Uint8Array[];
  /** Absent when there are no events, or when the chain before them is not known. */
  readonly chain?: ChainPart;
};

/** Where the chain of the lane's epoch (wire/chain.ts) stands before and behind some events. */
export type ChainPart = {
  /** It begins behind this seq. */
  readonly begins: number;
  /** The twin has acknowledged everything up to here, once. */
  readonly released: number;
  readonly previous: Uint8Array;
  readonly head: Uint8Array;
};

/** A key that signs what this program says; Ed25519. */
export type Signer = {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
};

export type LaneState = {
  readonly epoch: string;
  readonly lane: Lane;
  /** Start number of the process within this outbox file: 1, 2, ... */
  readonly boot: number;
  /** Lowest seq still waiting, or lastSeq + 1 when none is. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly evicted: number;
};

export type LastScan = {
  readonly device: string;
  /** As it was sent. */
  readonly frame: Uint8Array;
  readonly gatewayTimeMs: number;
};

/** What the gateway's buffer on disk does, asked from the main thread and done in the writer thread. */
/** Where one scan spent its time, for whoever collects traces. Never waited for. */
export type Tracer = {
  span(
    stage: "intake" | "uplink" | "ingest" | "reconcile" | "live",
    event: { readonly gateway: string; readonly epoch: string; readonly seq: number },
    startMs: number,
    endMs: number,
  ): void;
  /** Sends what waits. */
  close(): Promise<void>;
};

export type OutboxPort = {
  /**
   * Resolves once the events are on disk (group commit) or refused; the answers come in the order of
   * the calls, save that "busy" and "stopping" come at once. All events of one call are kept or none.
   */
  put(lane: Lane, events: readonly NewEvent[]): Promise<Put>;
  /**
   * Events from `fromSeq` on (or the first still held), bounded by count and bytes. Some of those that were
   * released are held for a while, for a twin that lost them.
   */
  peek(
    lane: Lane,
    fromSeq: number,
    limit: { readonly events: number; readonly bytes: number },
  ): Promise<Waiting>;
  /**
   * Deletes up to and including `through`: only after the twin's own acknowledgement. Resolves after
   * the attempt; when the disk refused, the outbox tries again by itself.
   */
  release(lane: Lane, through: number): Promise<void>;
  /**
   * The twin knows the numbers of `lane` from `fromSeq` on for other events: what waits from there on gets
   * numbers of a new epoch, from 1 on, and what is before it waits no more. Only while no release of that lane
   * is under way. Of another epoch than this it does nothing. Resolves with whether the disk took it.
   * `fromSeq` 0: it knows none of this epoch. The epoch before goes on, where something of it is held.
   */
  renumber(
    lane: Lane,
    from: { readonly epoch: string; readonly fromSeq: number },
  ): Promise<boolean>;
  /** Last known state without waiting; changes with each commit and release. */
  state(lane: Lane): LaneState;
  /** Keeps bytes that could not be understood, with the reason. Resolves when they are on disk. */
  quarantine(entry: {
    readonly source: string;
    readonly reason: string;
    readonly bytes: Uint8Array;
    readonly atMs: number;
  }): Promise<Put>;
  /** Calls back after each commit in `lane`, so that the uplink need not poll. Returns a cancel. */
  onCommit(listener: (lane: Lane) => void): () => void;
  /**
   * Origins of what the last process committed just before it died, so that its acknowledgements may
   * not have left; none after an orderly stop.
   */
  readonly unsure: readonly bigint[];
  /**
   * Each scanner's last scan before the last process died, if it is not long ago: its acknowledgement
   * may not have left. None after an orderly stop.
   */
  readonly lastScans: readonly LastScan[];
  /** Damaged outboxes that stand aside until a person has seen to them; absent: nobody looks. */
  aside?(): readonly string[];
  /** Drains what was put, checkpoints, closes. */
  close(): Promise<void>;
};

/** One PUBLISH of a device, as the broker for devices heard it. A will is not one. */
export type DeviceMessage = {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  readonly retain: boolean;
  /** 0 with QoS 0. */
  readonly packetId: number;
};

/** Only `ok` may be acknowledged. "illegal": the device broke the rules; its connection ends. */
export type Taken =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: Refusal | "illegal" };

/** What the gateway makes of devices' messages, as the broker needs it. */
export type DeviceIntake = {
  /**
   * One per connection: some rules hold within a session. Each message is answered once, with the
   * ticket it came with: when it is on disk, or need not be, or is refused. In no promised order, and
   * perhaps before `take` returns. (Tickets, since a promise for each message would cost as much as
   * decoding it.)
   */
  open(
    device: DeviceIdentity,
    answer: (ticket: number, taken: Taken) => void,
    /** Publishes to devices on the same broker; absent: they cannot be spoken to. */
    say?: (topic: string, bytes: Uint8Array) => void,
  ): DeviceSession;
  /** A will was set off: the device is gone. Nobody measured anything, and nobody is acknowledged. */
  will(clientId: string, topic: string, payload: Uint8Array): void;
};

export type DeviceIdentity = {
  readonly clientId: string;
  /** It goes on with an earlier session (MQTT clean session 0), and so repeats what it missed. */
  readonly resumes: boolean;
  /**
   * It is a broker that we subscribed to: there the retain flag means that the message was kept from
   * before [MQTT-3.3.1-8], and not that somebody says it now. Absent: a device.
   */
  readonly keepsRetained?: boolean;
  /**
   * Filters that it was asked for: it may go on with what an earlier configuration asked for, which is part of
   * the session there [MQTT-3.1.2-4] and which nobody can have listed. Absent: whatever it says counts.
   */
  readonly asked?: readonly string[];
};

export type DeviceSession = {
  take(message: DeviceMessage, ticket: number): void;
  /** The connection is over: `said` with DISCONNECT, or `broken`. */
  end(how: "said" | "broken"): void;
};

/** One request at a time on one Modbus line, as its only master. */
export type ModbusMaster = {
  /** Coils come as 0 and 1. Never rejects: a line that is gone says so by `gone`. */
  read(request: ModbusRead, timeoutMs: number): Promise<ModbusReply>;
  write(request: ModbusWrite, timeoutMs: number): Promise<ModbusReply>;
  /** Resolves when the line ended, or can no longer be trusted and has to be opened anew. */
  readonly gone: Promise<string>;
  close(): Promise<void>;
};

export type ModbusRead = {
  readonly slave: number;
  /** 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers. */
  readonly code: number;
  readonly address: number;
  readonly count: number;
};

export type ModbusWrite = {
  readonly slave: number;
  readonly table: "coil" | "holding";
  readonly address: number;
  readonly values: readonly number[];
};

export type ModbusReply =
  | { readonly ok: true; readonly data: readonly number[] }
  /** The slave did not answer, or nothing that fits; `detail` says what was heard instead. */
  | { readonly ok: false; readonly why: "silent"; readonly detail: string }
  /** It answered that it will not. */
  | {
      readonly ok: false;
      readonly why: "exception";
      readonly code: number;
      readonly detail: string;
    };

export type ModbusLine = SerialSettings & {
  /** RTU on a line (or through a serial device server); tcp: Modbus TCP, to a path tcp://HOST:PORT. */
  readonly carrier: "rtu" | "tcp";
  /** The adapter hears what it sends. */
  readonly echoes: boolean;
};

/** One request as its carrier has it, and the ear for its reply (src/devices/modbus). */
export type ModbusExchange = {
  readonly bytes: Uint8Array;
  /** The reply as an RTU frame with its CRC, once it is whole. */
  push(chunk: Uint8Array): Uint8Array | undefined;
  /** What was heard instead of a reply. */
  instead(): string;
  /** The line cannot be trusted any more. */
  broken(): boolean;
};

/** `request` is an RTU frame with its CRC. */
export type ModbusFraming = (
  request: Uint8Array,
  transaction: number,
  line: ModbusLine,
) => ModbusExchange;

/** Throws Fault SERIAL_LOST. */
export type OpenModbus = (line: ModbusLine, stop?: AbortSignal) => Promise<ModbusMaster>;

/** A broker of somebody else, where devices publish. */
export type BrokerSource = {
  readonly url: string;
  readonly clientId: string;
  /** Filters to subscribe to. */
  readonly topics: readonly string[];
  readonly username?: string | undefined;
  /** The password is its first line. */
  readonly passwordFile?: string | undefined;
  /** Topic and words by which the broker tells, and keeps, whether we are there. */
  readonly presence?: Presence | undefined;
};

export type Presence = {
  readonly topic: string;
  readonly there: Uint8Array;
  readonly gone: Uint8Array;
};

export type SourceSession = {
  /** Resolves when the connection is over, and why. */
  readonly gone: Promise<string>;
  /** Topics for which the broker grants QoS 0 only: nobody can promise anything there. */
  readonly unsure: readonly string[];
  /** Resolves when the broker has it; rejects when that is not known. */
  say(topic: string, bytes: Uint8Array, retain: boolean): Promise<void>;
  close(): Promise<void>;
};

/** Throws Fault SOURCE_LOST. */
export type OpenSource = (source: BrokerSource, stop: AbortSignal) => Promise<SourceSession>;
