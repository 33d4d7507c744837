/** Questions about things, sensors and gateways. */
import { ask } from "./http.ts";
import type { Axes } from "./route.ts";
import { decoded, isKey } from "./thing.ts";
import type { EventName, Series } from "./twin-api.ts";

export const where = (id: string, { at, asKnownAt }: Axes, signal: AbortSignal) =>
  ask("where", { id, at, asKnownAt }, signal);

/** All that is known of it by then, whatever moment it is about. */
export const history = (id: string, { asKnownAt }: Axes, signal: AbortSignal) =>
  ask("history", { id, asKnownAt }, signal);

export const contents = (id: string, { at, asKnownAt }: Axes, limit: number, signal: AbortSignal) =>
  ask("contents", { id, at, asKnownAt, limit }, signal);

export const carrierTrack = (id: string, { at, asKnownAt }: Axes, signal: AbortSignal) =>
  ask("checkpoints", { id, at, asKnownAt }, signal);

/** The event itself, as it was taken in. */
export const event = ({ gateway, epoch, seq }: EventName, signal: AbortSignal) =>
  ask("event", { gateway, epoch, seq }, signal);

export const search = (q: string, limit: number, signal: AbortSignal) =>
  ask("search", { q, limit }, signal);

export const series = (signal: AbortSignal) => ask("series", {}, signal);

export const seriesData = (
  { gateway, device, property, unit }: Pick<Series, "gateway" | "device" | "property" | "unit">,
  span: { readonly from: string; readonly to: string; readonly points: number },
  signal: AbortSignal,
) => ask("series/data", { gateway, device, property, unit, ...span }, signal);

export const gateways = (signal: AbortSignal) => ask("gateways", {}, signal);

/** Any barcode form names a thing: a key is asked for as Digital Link, anything else as it is. */
export function idOf(address: string): string {
  return isKey(address) ? `https://id.gs1.org/${address}` : decoded(address);
}
