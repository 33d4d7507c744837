/**
 * Tells systemd that the program is ready and, at half the interval it asks for, that it is alive.
 *
 * Node has no datagram sockets of the UNIX kind, so the messages go through `systemd-notify`
 * (the unit needs NotifyAccess=all). Outside systemd nothing is sent and nothing is started.
 *
 * A beat is sent only when `alive` answers yes: a program whose work is stuck while its timers run
 * is dead to those who wait for it, and systemd starts it again.
 */
import { execFile } from "node:child_process";
import type { Clock, Journal } from "../ports.ts";

export type Systemd = {
  /** The program takes in work now. Beats begin. */
  ready(): void;
  /** The program drains and closes; beats go on until `close`. */
  stopping(): void;
  close(): void;
};

export type SystemdOptions = {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the program's environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Asks the work itself, e.g. for an answer of the thread that writes. May take its time. */
  readonly alive: () => Promise<boolean>;
  readonly command?: string;
};

/** A notification that takes longer has failed; the next beat tries again. */
const NOTIFY_MS = 5_000;

export function createSystemd(
  { clock, journal }: { readonly clock: Clock; readonly journal: Journal },
  { environment, pid, alive, command = "systemd-notify" }: SystemdOptions,
): Systemd {
  if (!environment["NOTIFY_SOCKET"]) return { ready() {}, stopping() {}, close() {} };
  const beatMs = beatMsOf(environment, pid);
  let cancel: (() => void) | undefined;
  let closed = false;

  return {
    ready() {
      notify("READY=1");
      if (beatMs > 0) beatAfter(beatMs);
    },
    stopping: () => notify("STOPPING=1"),
    close() {
      closed = true;
      cancel?.();
    },
  };

  function beatAfter(ms: number): void {
    if (!closed) cancel = clock.after(ms, () => void beat());
  }

  async function beat(): Promise<void> {
    // While `alive` hangs no beat is sent and none is scheduled: that is the alarm.
    const well = await alive().catch(() => false);
    if (well) notify("WATCHDOG=1");
    else journal.error("watchdog-withheld");
    // A bad moment is not a dead program: it is asked again well before the time is up.
    beatAfter(well ? beatMs : beatMs / 8);
  }

  function notify(message: string): void {
    const env = { PATH: environment["PATH"], NOTIFY_SOCKET: environment["NOTIFY_SOCKET"] };
    execFile(command, [message], { env, timeout: NOTIFY_MS }, (error) => {
      if (error !== null) journal.warn("systemd-notify-failed", { message, error: error.message });
    });
  }
}

/** Half the interval, as sd_watchdog_enabled(3) advises; 0 when no watchdog waits for us. */
function beatMsOf(environment: SystemdOptions["environment"], pid: number): number {
  const micros = Number(environment["WATCHDOG_USEC"]);
  const forUs = [undefined, "", String(pid)].includes(environment["WATCHDOG_PID"]);
  return forUs && micros > 0 ? micros / 2_000 : 0;
}
