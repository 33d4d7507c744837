/**
 * The air of the archive, its door and its cooling: a day curve, disturbed whenever the door opens.
 *
 * Advances in fixed steps of simulated time, so that it does not matter how often anybody looks.
 */
import type { Prng } from "./prng.ts";
import type { Scenario } from "./scenario.ts";

export type Air = {
  readonly temperature: number;
  readonly humidity: number;
  readonly doorOpen: boolean;
  readonly powerW: number;
};

export type Climate = { at(simulatedMs: number): Air };

const STEP_MS = 2_000;
/** The warmest hour is at 15:00; the simulated day begins at 08:00. */
const WARMEST = 15 / 24;
const BEGIN = 8 / 24;
/** What an open door does in the end, and how fast it comes and goes. */
const DOOR = { temperature: 5, humidity: 14, comesMs: 60_000, goesMs: 180_000 };
const COOLING = { idleW: 190, runsW: 1_150 };

export function createClimate(prng: Prng, { climate }: Scenario): Climate {
  const middle = (climate.temperature[0] + climate.temperature[1]) / 2;
  let nowMs = 0;
  let draught = 0;
  let doorOpen = false;
  let cooling = false;
  let doorTurnsMs = prng.within(climate.doorEverySeconds) * 1_000;

  function step(): void {
    nowMs += STEP_MS;
    if (nowMs >= doorTurnsMs) {
      doorOpen = !doorOpen;
      const lasts = doorOpen ? climate.doorOpenSeconds : climate.doorEverySeconds;
      doorTurnsMs = nowMs + prng.within(lasts) * 1_000;
    }
    draught += ((doorOpen ? 1 : 0) - draught) * (STEP_MS / (doorOpen ? DOOR.comesMs : DOOR.goesMs));
    const temperature = temperatureNow();
    if (temperature > middle + 0.6) cooling = true;
    if (temperature < middle - 0.2) cooling = false;
  }

  const curve = () =>
    Math.cos(2 * Math.PI * (nowMs / (climate.curveMinutes * 60_000) + BEGIN - WARMEST));
  const temperatureNow = () => between(climate.temperature, curve()) + draught * DOOR.temperature;

  return {
    at(simulatedMs) {
      while (nowMs + STEP_MS <= simulatedMs) step();
      return {
        temperature: temperatureNow(),
        // Warm air holds more water: the humidity goes against the temperature.
        humidity: Math.min(100, between(climate.humidity, -curve()) + draught * DOOR.humidity),
        doorOpen,
        powerW: cooling ? COOLING.runsW : COOLING.idleW,
      };
    },
  };
}

/** -1 is the low end of the range, 1 the high end. */
function between([low, high]: readonly [number, number], height: number): number {
  return (low + high) / 2 + (height * (high - low)) / 2;
}
