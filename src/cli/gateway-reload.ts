/**
 * A new configuration for a gateway that runs: on SIGHUP, or when its file changed and somebody wished
 * for that. The whole file is checked before anything is touched; one that is wrong changes nothing, and
 * is told in the journal, in /healthz and in the figures until a right one comes.
 */

import type { Change } from "../gateway/activities.ts";
import type { GatewayConfig } from "../gateway/config.ts";
import { taken, waitsForStart } from "../gateway/reload.ts";
import type { Health } from "../gateway/run.ts";
import { Fault } from "../kernel/fault.ts";
import type { Clock, Journal } from "../ports.ts";
import type { CheckedConfig } from "./gateway-config.ts";

export type ReloadDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly read: () => CheckedConfig;
  readonly become: (config: GatewayConfig) => Promise<Change>;
  readonly record: (outcome: "taken" | "refused") => void;
};

export type ConfigState = {
  readonly file: string | null;
  readonly takenAtMs: number;
  /** What is wrong with the file as it is now; empty: it is in use. */
  readonly problems: readonly string[];
  /** Keys whose new value comes into use with the next start. */
  readonly waits: readonly string[];
};

export type Reloading = {
  /** One after the other, however often it is asked for. */
  reload(): Promise<void>;
  state(): ConfigState;
  reasons(): Health["reasons"];
};

export function createReloading(
  { clock, journal, read, become, record }: ReloadDeps,
  { file, config }: { readonly file: string | undefined; readonly config: GatewayConfig },
): Reloading {
  let inUse = config;
  let state: ConfigState = {
    file: file ?? null,
    takenAtMs: clock.nowMs(),
    problems: [],
    waits: [],
  };
  let last = Promise.resolve();

  async function reload(): Promise<void> {
    const checked = problemsOrConfig(read);
    if (!checked.ok) {
      state = { ...state, problems: checked.problems };
      journal.error("config-refused", { file, problems: checked.problems.slice(0, 20) });
      return record("refused");
    }
    // Against the start and not the last reload: until a restart nothing of it comes into use.
    const waits = waitsForStart(config, checked.config);
    inUse = taken(inUse, checked.config);
    const change = await become(inUse);
    state = { ...state, takenAtMs: clock.nowMs(), problems: [], waits };
    journal.note("config-taken", { file, ...change, waitsForStart: waits });
    record("taken");
  }

  return {
    reload() {
      last = last.then(reload);
      return last;
    },
    state: () => state,
    reasons: () => [
      ...state.problems.slice(0, 3).map((detail) => ({ what: "config-refused" as const, detail })),
      ...state.waits.map((key) => ({
        what: "config-waits" as const,
        detail: `${key}: the new value comes into use when the gateway is started again`,
      })),
    ],
  };
}

function problemsOrConfig(read: () => CheckedConfig): CheckedConfig {
  try {
    return read();
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { ok: false, problems: [fault.detail] };
  }
}
