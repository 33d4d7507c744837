/** CRC-16/MODBUS (Modbus over Serial Line 1.02, section 6.2.2), low byte first on the wire. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

export function withCrc(bytes: Uint8Array): Uint8Array {
  const crc = crc16(bytes);
  return Uint8Array.of(...bytes, crc & 0xff, crc >>> 8);
}

/** Whether the last two bytes are the CRC of the others. */
export function fits(frame: Uint8Array): boolean {
  const [low, high] = frame.subarray(-2);
  return frame.length > 3 && low !== undefined && high !== undefined
    ? crc16(frame.subarray(0, -2)) === (low | (high << 8))
    : false;
}
