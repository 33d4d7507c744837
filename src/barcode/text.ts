/**
 * Bytes of a scan to text: UTF-8 when every byte fits it, else one character per byte (Latin-1), so
 * that nothing is replaced or lost. Callers bound the length: one call holds all as arguments.
 */
export function textOf(bytes: Uint8Array): string {
  let ascii = true;
  for (let i = 0; i < bytes.length && ascii; i++) ascii = (bytes[i] ?? 0) < 0x80;
  return (ascii ? undefined : utf8(bytes)) ?? byteText(bytes);
}

/** `apply` takes a typed array as it is; spreading one is five times slower, and this is hot. */
function byteText(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** Undefined when a byte does not fit. Written out because the pure folders have no TextDecoder. */
function utf8(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const size =
      lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size === 0 || at + size > bytes.length) return undefined;
    let code = size === 1 ? lead : lead & (0x7f >> size);
    for (let i = 1; i < size; i++) {
      const next = bytes[at + i] ?? 0;
      if ((next & 0xc0) !== 0x80) return undefined;
      code = (code << 6) | (next & 0x3f);
    }
    const overlong = (size === 3 && code < 0x800) || (size === 4 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    text += String.fromCodePoint(code);
    at += size;
  }
  return text;
}
