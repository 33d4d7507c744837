/**
 * What a gateway last said of its devices, those that do not work first. A mark and a word together:
 * colour alone says nothing to some.
 */
import { words } from "../language/spoken.ts";
import type { DeviceState } from "../twin-api.ts";
import { agoWord } from "../when.ts";
import { deviceWord } from "../words.ts";
import { Instant } from "./instant.tsx";

/** More than a person reads; those that work come last. */
const ROWS_MAX = 100;

export function DeviceList({
  devices,
  now,
  certain,
}: {
  readonly devices: readonly DeviceState[];
  readonly now: number;
  /** Whether the gateway is there to tell a change. */
  readonly certain: boolean;
}) {
  if (devices.length === 0) return null;
  const graveFirst = devices.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)));
  const rows = graveFirst.slice(0, ROWS_MAX);
  return (
    <div class="scroll devices">
      {!certain && <p class="soft">{words.gateways.lastTold}</p>}
      <table>
        <thead>
          <tr>
            <th scope="col">{words.gateways.device}</th>
            <th scope="col">{words.gateways.state}</th>
            <th scope="col">{words.gateways.since}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.device}>
              <td class="mono">{one.device}</td>
              <td>
                <span class={`up up-${lookOf(one, certain)}`}>{deviceWord(one.state)}</span>
                {one.reason !== "" && <span class="soft why">{one.reason}</span>}
              </td>
              <td>
                <Instant at={one.since} now={now} />{" "}
                <span class="soft">{agoWord(one.since, now)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {devices.length > rows.length && (
        <p class="soft">{words.gateways.moreDevices(devices.length - rows.length)}</p>
      )}
    </div>
  );
}

function isWell({ state }: DeviceState): boolean {
  return state === "open" || state === "opening";
}

function lookOf(device: DeviceState, certain: boolean): string {
  if (!certain || device.state === "opening") return "unsure";
  return isWell(device) ? "up" : "down";
}
