/** Percent-decoding of RFC 3986, without the URL of any host. */
import { textOf } from "./text.ts";

/** Undefined when a "%" is not followed by two hexadecimal digits. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7e) return undefined;
    if (text[at] !== "%") {
      bytes.push(code);
      continue;
    }
    const hex = text.slice(at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return undefined;
    bytes.push(Number.parseInt(hex, 16));
    at += 2;
  }
  return textOf(Uint8Array.from(bytes));
}
