/**
 * Whole numbers in as few bytes as they need (LEB128, seven bits a byte, least first), for rows that
 * there are tens of millions of. Numbers are safe integers; a sign costs one bit (zigzag).
 */
export type NumberWriter = {
  put(value: number): void;
  putSigned(value: number): void;
  /** What was put so far. A copy: the writer goes on with an empty page. */
  take(): Buffer;
};

export function createNumberWriter(): NumberWriter {
  let bytes = Buffer.allocUnsafe(1024);
  let used = 0;

  function put(value: number): void {
    if (used + 8 > bytes.length) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length)]);
    let rest = value;
    while (rest >= 0x80) {
      bytes[used++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    bytes[used++] = rest;
  }

  return {
    put,
    putSigned: (value) => put(value < 0 ? -value * 2 - 1 : value * 2),
    take() {
      const taken = Buffer.from(bytes.subarray(0, used));
      used = 0;
      return taken;
    },
  };
}

export type NumberReader = {
  more(): boolean;
  get(): number;
  getSigned(): number;
};

export function createNumberReader(bytes: Uint8Array): NumberReader {
  let at = 0;

  function get(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  return {
    more: () => at < bytes.length,
    get,
    getSigned() {
      const value = get();
      return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    },
  };
}
