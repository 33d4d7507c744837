/** Milliseconds since 1970 with fractions, the same for all processes of this machine. */
export const nowMs = (): number => performance.timeOrigin + performance.now();
