/**
 * The twin's door for gateways: its authority, the list of who was let in, and the keys of the broker,
 * which are made anew before they end.
 *
 *   <data>/authority/authority.pem   signs for gateways; 0600, never leaves the machine
 *   <data>/authority/door.pem        the broker's own key and certificate
 *   <data>/identities.db             invitations and certificates, and what became of them
 */
import { join } from "node:path";
import { type Authority, authorityIn, openAuthority } from "../io/authority.ts";
import type { GatewayBroker } from "../io/gateway-broker.ts";
import type { DoorKeys } from "../io/mqtt-door.ts";
import { secrets } from "../io/secrets.ts";
import { Fault } from "../kernel/fault.ts";
import type { Clock, Journal } from "../ports.ts";
import { type Identities, openIdentities } from "../store/identities.ts";
import { type BrokerConfig, isSecured } from "../twin/broker-config.ts";
import { createDoorkeeper, type Doorkeeper } from "../twin/doorkeeper.ts";
import { AUTHORITY_FOLDER, IDENTITIES_FILE } from "./twin-files.ts";

export type TwinDoor = {
  /** Undefined: the door is plain, and so are the keys. */
  readonly doorkeeper: Doorkeeper | undefined;
  readonly keys: DoorKeys | undefined;
  /** Gives the broker new keys when those in use near their end. */
  keepKeys(broker: Pick<GatewayBroker, "renewKeys">): void;
  /** When the certificate ends that each gateway comes with, those that were revoked aside. */
  certificateEnds(): ReadonlyMap<string, number>;
  close(): void;
};

/** Often, since a clock that was wrong at the start may have been set meanwhile: those keys are of no use. */
const KEYS_AGAIN_MS = 10_000;

export async function openTwinDoor(
  { clock, journal }: { readonly clock: Clock; readonly journal: Journal },
  folder: string,
  config: BrokerConfig,
): Promise<TwinDoor> {
  if (!isSecured(config))
    return {
      ...{ doorkeeper: undefined, keys: undefined },
      ...{ keepKeys() {}, certificateEnds: () => new Map(), close() {} },
    };
  const { authority, identities } = await openGatewayList(folder);
  const doorKeys = () => authority.doorKeys([config.host, ...config.names], clock.nowMs());
  let keys = await doorKeys();
  let cancel = () => {};

  function keepKeys(broker: Pick<GatewayBroker, "renewKeys">): void {
    cancel = clock.after(KEYS_AGAIN_MS, () => {
      keepKeys(broker);
      void doorKeys().then(
        (next) => {
          if (next.certificate === keys.certificate && next.next === keys.next) return;
          keys = next;
          broker.renewKeys(next);
          journal.note("door-keys-renewed");
        },
        (error: Error) => journal.error("door-keys-not-renewed", { detail: error.message }),
      );
    });
  }

  return {
    doorkeeper: createDoorkeeper({ clock, secrets, identities, sign: authority.sign }, config),
    keys,
    keepKeys,
    certificateEnds() {
      const ends = new Map<string, number>();
      for (const { name, untilMs, revokedMs, firstUsedMs } of identities.certificates())
        if (revokedMs === null && firstUsedMs !== null)
          ends.set(name, Math.max(untilMs, ends.get(name) ?? 0));
      return ends;
    },
    close() {
      cancel();
      identities.close();
    },
  };
}

/** Made where they are not there yet. Throws Fault KEY_DAMAGED and LIST_CORRUPT, among others. */
export async function openGatewayList(
  folder: string,
): Promise<{ readonly authority: Authority; readonly identities: Identities }> {
  const authorities = join(folder, AUTHORITY_FOLDER);
  const identities = openIdentities(join(folder, IDENTITIES_FILE));
  try {
    // Another one would let in nobody who is in the list, and part those who are enrolled from here on from them.
    const knows = identities.certificates().some(({ revokedMs }) => revokedMs === null);
    if (knows && authorityIn(authorities) === undefined)
      throw new Fault(
        "KEY_DAMAGED",
        `${authorities}/authority.pem is gone, and ${IDENTITIES_FILE} knows whom it let in`,
      );
    return { authority: await openAuthority(authorities, "racktrace twin"), identities };
  } catch (fault) {
    identities.close();
    throw fault;
  }
}
