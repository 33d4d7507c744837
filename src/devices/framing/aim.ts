/**
 * The AIM identifier in front of a scan: `]`, a letter for the symbology, a modifier.
 *
 * Source: ISO/IEC 15424, 6 (structure of the identifier).
 */

/** The identifier as sent, or "" when the frame does not start with one. */
export function aimOf(frame: Uint8Array): string {
  const head = String.fromCharCode(...frame.subarray(0, 3));
  return /^\][A-Za-z][0-9A-Za-z]$/.test(head) ? head : "";
}
