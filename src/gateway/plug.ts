/**
 * A plug that goes in is noticed at once where the system tells; else it is looked for now and then.
 * The watch begins before the device is tried: one that appears while it is found absent is not missed.
 */
import type { Clock } from "../ports.ts";

/** Resolves when something appears at the path, or never; in any case when `stop` is aborted. */
export type Appears = (path: string, stop: AbortSignal) => Promise<void>;

export type Plug = {
  /** Until something appeared since the watch began, or `waitMs` are over. */
  orWait(waitMs: number): Promise<"plug" | "waited">;
  end(): void;
};

export function watchForPlug(
  { clock, appears }: { readonly clock: Clock; readonly appears: Appears },
  path: string,
  stop: AbortSignal,
): Plug {
  const enough = new AbortController();
  const end = () => enough.abort();
  stop.addEventListener("abort", end, { once: true });
  const appeared = appears(path, enough.signal).then(() => "plug" as const);
  return {
    orWait: (waitMs) =>
      Promise.race([appeared, clock.sleep(waitMs, enough.signal).then(() => "waited" as const)]),
    end() {
      stop.removeEventListener("abort", end);
      end();
    },
  };
}
