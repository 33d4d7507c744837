/**
 * The gateway's door for devices: which are known, and with TLS the gateway's own authority.
 *
 *   <data>/devices/devices.db      known devices: passwords hardened, numbers of certificates, topics
 *   <data>/devices/authority.pem   signs for devices and for the broker; 0600
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createDeviceDoorkeeper, type DeviceDoorkeeper } from "../gateway/device-doorkeeper.ts";
import { type DoorConfig, isForKnown, isSecured } from "../gateway/door-config.ts";
import { type Authority, openAuthority } from "../io/authority.ts";
import type { DeviceBroker } from "../io/device-broker.ts";
import type { DoorKeys } from "../io/mqtt-door.ts";
import { secrets } from "../io/secrets.ts";
import type { Clock, Journal } from "../ports.ts";
import { type DeviceAccounts, openDeviceAccounts } from "../store/device-accounts.ts";

export type DeviceDoor = {
  /** Undefined: anyone who reaches it is let in. */
  readonly doorkeeper: DeviceDoorkeeper | undefined;
  /** Undefined: plain text. */
  readonly keys: DoorKeys | undefined;
  keepKeys(broker: Pick<DeviceBroker, "renewKeys">): void;
  close(): void;
};

/** Often, since a clock that was wrong at the start may have been set meanwhile: those keys are of no use. */
const KEYS_AGAIN_MS = 10_000;

export async function openDeviceDoor(
  { clock, journal }: { readonly clock: Clock; readonly journal: Journal },
  folder: string,
  config: DoorConfig,
): Promise<DeviceDoor> {
  const accounts = isForKnown(config) ? openKnownDevices(folder) : undefined;
  const authority = isSecured(config) ? await openDeviceAuthority(folder) : undefined;
  const doorKeys = () => authority?.doorKeys([config.host, ...config.names], clock.nowMs());
  const keys = await doorKeys();
  let cancel = () => {};

  function keepKeys(broker: Pick<DeviceBroker, "renewKeys">): void {
    if (authority === undefined) return;
    cancel = clock.after(KEYS_AGAIN_MS, () => {
      keepKeys(broker);
      // The same as before until they near their end.
      void doorKeys()?.then(broker.renewKeys, (error: Error) =>
        journal.error("door-keys-not-renewed", { detail: error.message }),
      );
    });
  }

  return {
    doorkeeper: accounts && createDeviceDoorkeeper({ accounts, secrets }),
    keys,
    keepKeys,
    close() {
      cancel();
      accounts?.close();
    },
  };
}

export function openKnownDevices(folder: string): DeviceAccounts {
  mkdirSync(join(folder, "devices"), { recursive: true, mode: 0o700 });
  return openDeviceAccounts(join(folder, "devices", "devices.db"));
}

export function openDeviceAuthority(folder: string): Promise<Authority> {
  return openAuthority(join(folder, "devices"), "racktrace gateway, for devices");
}
