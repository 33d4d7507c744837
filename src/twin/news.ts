/**
 * Chooses what of a step is told to those who watch live.
 *
 * Watching must never cost the work itself: each kind has an allowance a second. Readings beyond it
 * are thinned, since the next one says more. When any other change does not fit, watchers are told
 * that they missed something, so that they ask again instead of believing an old picture.
 */
import type { Clock } from "../ports.ts";
import type { Change, NewReading, Step } from "./derive.ts";

/** `json` is the change's data, written once for all watchers. */
export type News = {
  readonly position: number;
  readonly kind: Change["kind"] | "reset";
  readonly json: string;
};

export type NewsLimits = { readonly readingsPerSecond: number; readonly othersPerSecond: number };

export function createNewsDesk({ clock }: { clock: Clock }, limits: NewsLimits) {
  let second = 0;
  let readings = 0;
  let others = 0;

  function allowances(): void {
    const now = Math.floor(clock.monotonicMs() / 1000);
    if (now === second) return;
    second = now;
    readings = limits.readingsPerSecond;
    others = limits.othersPerSecond;
  }

  return {
    /** In order of positions. */
    choose(step: Step): readonly News[] {
      allowances();
      const told = step.readings.slice(0, readings).map(newsOfReading);
      readings -= told.length;
      if (step.changes.length <= others) {
        others -= step.changes.length;
        told.push(...step.changes.map(newsOfChange));
      } else if (others > 0) {
        others = 0;
        const position = step.changes.at(-1)?.position ?? 0;
        told.push({ position, kind: "reset", json: '{"why":"more changes than can be followed"}' });
      }
      return told.sort((a, b) => a.position - b.position);
    },
  };
}

function newsOfReading(reading: NewReading): News {
  const { position, timeMs, gateway, device, property, unit, value } = reading;
  const time = new Date(timeMs).toISOString();
  const json = JSON.stringify({ device, property, unit, gateway, time, value });
  return { position, kind: "reading", json };
}

function newsOfChange({ position, kind, data }: Change): News {
  return { position, kind, json: JSON.stringify(data) };
}
