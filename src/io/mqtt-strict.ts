/**
 * Rules of MQTT 3.1.1 that the parser beneath aedes lets pass. Who breaks them is let go [MQTT-4.8.0-1]:
 *
 * - a text is well-formed UTF-8 without U+0000 (1.5.3), and the id of a packet is not 0 (2.3.1);
 * - a packet is as long as what is in it, and nothing is heard behind DISCONNECT;
 * - CONNECT has no password without a user name, and no will that cannot be published (3.1.2, 3.1.3);
 * - SUBSCRIBE and UNSUBSCRIBE have filters, and those have their wildcards where they may be (4.7.1).
 *
 * And one rule is ours: so many filters in one packet. What is asked for at once is answered at once, and
 * 600,000 of them would hold up all others for seconds.
 *
 * Of an ill-formed text the parser makes U+FFFD, and afterwards nobody can tell it from one that was
 * sent. So the bytes are compared where they are still there, and only when there is such a character.
 * These are the parser's own members, not its public face: test/conformance/mqtt.test.ts holds them.
 */
import { TurnedAway } from "./mqtt-connection.ts";

type Packet = {
  readonly cmd: string;
  readonly length: number;
  readonly qos: number;
  readonly dup: boolean;
  readonly messageId?: number;
  readonly username?: string;
  readonly password?: Buffer;
  readonly will?: { readonly topic: string; readonly qos: number };
  /** Of SUBSCRIBE and UNSUBSCRIBE, as far as they are read. */
  readonly subscriptions?: readonly { readonly topic: string }[];
  readonly unsubscriptions?: readonly string[];
};

type Parser = {
  readonly packet: Packet;
  readonly error: Error | null;
  _list: { slice(from: number, to: number): Buffer };
  _pos: number;
  _parsePayload(): boolean;
  _parseString(): string | null;
  _parseMessageId(): boolean;
  _emitError(error: Error): void;
};

/** Clients that subscribe to each device by itself ask for hundreds. */
const FILTERS_MAX = 1_024;
/** A level, or + in its place; behind the last of them # for all below. */
const FILTER = /^(?:(?:\+|[^+#/]*)\/)*(?:\+|#|[^+#/]*)$/;

/** `client` is what aedes made of a connection. */
export function parseStrictly(client: object): void {
  const parser = (client as { readonly _parser: Parser })._parser;
  const refuse = (why: string) => parser._emitError(new TurnedAway("malformed", why));

  const parseString = parser._parseString;
  parser._parseString = function strictString(this: Parser) {
    const { subscriptions, unsubscriptions = subscriptions } = this.packet;
    if (unsubscriptions !== undefined && unsubscriptions.length >= FILTERS_MAX) {
      refuse(`more than ${FILTERS_MAX} filters in one packet`);
      return null;
    }
    const from = this._pos + 2;
    const text = parseString.call(this);
    if (text === null || !(text.includes("\ufffd") || text.includes("\0"))) return text;
    const sent = this._list.slice(from, this._pos);
    if (!text.includes("\0") && sent.equals(Buffer.from(text))) return text;
    refuse("a text that is no UTF-8 [MQTT-1.5.3]");
    return null;
  };

  const parseMessageId = parser._parseMessageId;
  parser._parseMessageId = function strictMessageId(this: Parser) {
    if (!parseMessageId.call(this)) return false;
    // Of one that is not there the parser makes -1.
    if ((this.packet.messageId ?? 0) > 0) return true;
    refuse("no packet id, or one of 0 [MQTT-2.3.1-1]");
    return false;
  };

  let over = false;
  const parsePayload = parser._parsePayload;
  parser._parsePayload = function strictPayload(this: Parser) {
    if (over || !parsePayload.call(this)) return false;
    if (this.error !== null) return true;
    const why = objectionTo(this.packet, this._pos);
    if (why !== undefined) refuse(why);
    over = this.packet.cmd === "disconnect";
    return true;
  };
}

/** `end` is where the last field that was read ends. */
function objectionTo(packet: Packet, end: number): string | undefined {
  const { cmd, length } = packet;
  switch (cmd) {
    case "publish":
      if (end > length) return "a PUBLISH that is too short [MQTT-4.8.0-1]";
      return packet.dup && packet.qos === 0 ? "DUP at QoS 0 [MQTT-3.3.1-2]" : undefined;
    case "connect":
      return end === length ? objectionToGreeting(packet) : "bytes behind CONNECT [MQTT-3.1.3-1]";
    case "subscribe":
      return objectionToFilters(
        packet,
        end,
        packet.subscriptions?.map(({ topic }) => topic),
      );
    case "unsubscribe":
      return objectionToFilters(packet, end, packet.unsubscriptions);
    default:
      // Acknowledgements are their packet id, the others nothing.
      return end === length ? undefined : `${cmd} with a length of ${length} [MQTT-4.8.0-1]`;
  }
}

function objectionToGreeting({ username, password, will }: Packet): string | undefined {
  if (password !== undefined && username === undefined)
    return "a password without a user name [MQTT-3.1.2-22]";
  if (will === undefined) return undefined;
  if (will.qos > 2) return "a will of QoS 3 [MQTT-3.1.2-14]";
  return will.topic === "" || /[+#]/.test(will.topic)
    ? "a will under what is no topic [MQTT-4.7.1-1]"
    : undefined;
}

function objectionToFilters(
  { cmd, length }: Packet,
  end: number,
  filters: readonly string[] = [],
): string | undefined {
  if (end !== length) return `${cmd} that does not end with a filter [MQTT-3.10.3-1]`;
  if (filters.length === 0) return `${cmd} without a filter [MQTT-3.8.3-3]`;
  const wrong = filters.find((filter) => filter === "" || !FILTER.test(filter));
  return wrong === undefined ? undefined : `a filter that is none [MQTT-4.7.1]`;
}
