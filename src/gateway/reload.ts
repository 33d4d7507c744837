/**
 * What of a new configuration can be taken while the gateway runs, and what waits for its next start:
 * where it listens, whose it is and where it keeps things are settled for as long as it runs.
 */
import type { GatewayConfig } from "./config.ts";
import type { DoorConfig } from "./door-config.ts";

/** What settles where devices come in, and which. */
const DOOR = ["host", "port", "transport", "access", "names"] as const;

/** Keys whose new value is not in use by a gateway that was started with `started`. */
export function waitsForStart(started: GatewayConfig, next: GatewayConfig): readonly string[] {
  const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
  const keys = ["gateway", "data", "log", "http", "twin", "outbox"] as const;
  const sparkplug = ({ mqtt }: GatewayConfig) =>
    mqtt.decoders.filter(({ decoder }) => decoder === "sparkplug");
  return [
    ...keys.filter((key) => differs(started[key], next[key])),
    ...DOOR.filter((key) => differs(started.mqtt[key], next.mqtt[key])).map((key) => `mqtt.${key}`),
    // Edge nodes know their host by a session that is as long as ours.
    ...(differs(sparkplug(started), sparkplug(next)) ? ["mqtt.decoders (sparkplug)"] : []),
  ];
}

/** The configuration that is in use when `next` was taken as far as it goes. */
export function taken(now: GatewayConfig, next: GatewayConfig): GatewayConfig {
  // An absent key says something, too.
  const { transport: _transport, access: _access, ...mqtt } = next.mqtt;
  const door = Object.fromEntries(
    DOOR.filter((key) => key in now.mqtt).map((key) => [key, now.mqtt[key]]),
  );
  return {
    ...now,
    mqtt: { ...mqtt, ...(door as DoorConfig) },
    scanners: next.scanners,
    modbus: next.modbus,
    lines: next.lines,
    sensors: next.sensors,
  };
}
