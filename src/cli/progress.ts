/** How far a long command has come, on a terminal; elsewhere nothing. */
import { createClock } from "../io/clock.ts";

export type Progress = { add(count: number): void; end(): void };

const WIDTH = 30;
const DRAW_MS = 100;

/** `all` 0: it is not known how many there are. */
export function createProgress(of: string, all: number): Progress {
  if (!process.stderr.isTTY) return { add() {}, end() {} };
  const clock = createClock();
  const startedMs = clock.monotonicMs();
  let done = 0;
  let drawnMs = 0;

  function draw(nowMs: number): void {
    drawnMs = nowMs;
    const share = all === 0 ? 0 : Math.min(1, done / all);
    const full = Math.round(share * WIDTH);
    const bar = all === 0 ? "" : `[${"#".repeat(full)}${".".repeat(WIDTH - full)}] `;
    const speed = Math.round((1000 * done) / Math.max(1, nowMs - startedMs));
    const total = all === 0 ? "" : ` of ${all}`;
    process.stderr.write(`\r\x1b[K${bar}${done}${total} ${of}, ${speed}/s`);
  }

  return {
    add(count) {
      done += count;
      const nowMs = clock.monotonicMs();
      if (nowMs - drawnMs >= DRAW_MS) draw(nowMs);
    },
    end: () => void process.stderr.write("\r\x1b[K"),
  };
}
