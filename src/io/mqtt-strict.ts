/**
 * Two rules of MQTT 3.1.1 that the parser beneath aedes lets pass: a text is well-formed UTF-8 without
 * U+0000 (1.5.3), and the id of a packet is not 0 (2.3.1). Who breaks them is let go.
 *
 * The parser makes U+FFFD of what is malformed, and afterwards nobody can tell it from one that was
 * sent. So the bytes are compared where they are still there, and only when there is such a character.
 * These are the parser's own members, not its public face: test/contract/mqtt-door.test.ts holds them.
 */
import { TurnedAway } from "./mqtt-connection.ts";

type Parser = {
  packet: { messageId?: number };
  _list: { slice(from: number, to: number): Buffer };
  _pos: number;
  _parseString(): string | null;
  _parseMessageId(): boolean;
  _emitError(error: Error): void;
};

/** `client` is what aedes made of a connection. */
export function parseStrictly(client: object): void {
  const parser = (client as { readonly _parser: Parser })._parser;
  const parseString = parser._parseString;
  parser._parseString = function strictString(this: Parser) {
    const from = this._pos + 2;
    const text = parseString.call(this);
    if (text === null || !(text.includes("\ufffd") || text.includes("\0"))) return text;
    const sent = this._list.slice(from, this._pos);
    if (!text.includes("\0") && sent.equals(Buffer.from(text))) return text;
    this._emitError(new TurnedAway("malformed", "a text that is no UTF-8 [MQTT-1.5.3]"));
    return null;
  };
  const parseMessageId = parser._parseMessageId;
  parser._parseMessageId = function strictMessageId(this: Parser) {
    if (!parseMessageId.call(this)) return false;
    if (this.packet.messageId !== 0) return true;
    this._emitError(new TurnedAway("malformed", "a packet id of 0 [MQTT-2.3.1-1]"));
    return false;
  };
}
