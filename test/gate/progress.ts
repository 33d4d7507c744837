/** How far a gate is, on stderr: a bar that moves on a terminal, a line now and then elsewhere. */

export type Progress = {
  done(count: number): void;
  say(line: string): void;
  end(): void;
};

const WIDTH = 28;
const REDRAW_MS = 100;
const LINE_EVERY_MS = 30_000;

export function showProgress(
  out: NodeJS.WriteStream,
  { name, size, unit }: { readonly name: string; readonly size: number; readonly unit: string },
): Progress {
  const startedMs = performance.now();
  let count = 0;
  let shownMs = out.isTTY ? Number.NEGATIVE_INFINITY : startedMs;

  const text = () => {
    const share = size === 0 ? 1 : Math.min(1, count / size);
    const filled = Math.round(share * WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    const seconds = (performance.now() - startedMs) / 1000;
    const left = share > 0 ? `, ${duration((seconds / share) * (1 - share))} left` : "";
    return `${name}  ${bar}  ${count}/${size} ${unit}, ${duration(seconds)}${left}`;
  };

  function show(force: boolean): void {
    const nowMs = performance.now();
    if (!force && nowMs - shownMs < (out.isTTY ? REDRAW_MS : LINE_EVERY_MS)) return;
    shownMs = nowMs;
    out.write(out.isTTY ? `\r\u001b[2K${text()}` : `${text()}\n`);
  }

  return {
    done(now) {
      count = now;
      show(false);
    },
    say(line) {
      out.write(out.isTTY ? `\r\u001b[2K${line}\n` : `${line}\n`);
      if (out.isTTY) show(true);
    },
    end() {
      if (out.isTTY) out.write("\r\u001b[2K");
    },
  };
}

export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
