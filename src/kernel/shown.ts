/** Characters that do something instead of being seen: controls, writing directions, ends of lines. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * What somebody outside calls himself or wants, as it may stand in a line for people: of bounded length, and
 * with nothing in it that a terminal obeys. Another text than the one that came, of which a part that was cut
 * out would keep the whole in memory.
 */
export function shown(text: string, most = 80): string {
  const seen = Array.from(text.slice(0, most), (one) => (UNSEEN.test(one) ? "\ufffd" : one));
  return `${seen.join("")}${text.length > most ? "…" : ""}`;
}

/** An address as it may be shown: who comes by it, and the password, open doors. */
export function withoutUser(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/]*@/, "$1***@");
}
