/**
 * Which device may come to the gateway's broker, and what is its own there: it is who its certificate
 * says, or its user name with the password that was made for it. It uses its own client id and no other,
 * publishes (and leaves a will) under its own topics, and hears what is said to it.
 *
 * Passwords are hardened, so that each try costs memory and time: few are tried at once, few wait, and one
 * that was right is known again by a digest while the program runs. A fleet that comes back is let in fast.
 */
import { isWithin } from "../devices/mqtt-mapping/topic.ts";
import { shown } from "../kernel/shown.ts";
import { createTurns } from "../kernel/turns.ts";
import type { Secrets } from "../ports.ts";
import type { DeviceAccount, DeviceAccounts } from "../store/device-accounts.ts";

export type DeviceRights = {
  readonly device: string;
  mayPublish(topic: string): boolean;
  mayHear(filter: string): boolean;
};

export type DeviceCaller = {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string;
  /** Of the transport; it counts for more than a password. */
  readonly certificate: { readonly name: string; readonly serial: string } | undefined;
  /** The topic of its will. */
  readonly will: string | undefined;
  /** Where it comes from, and whether it still waits there for an answer. */
  readonly address: string;
  isGone(): boolean;
};

/** `unknown`: wrong credentials; `forbidden`: right ones, for something else; `busy`: not now. */
export type DeviceAnswer =
  | { readonly ok: true; readonly rights: DeviceRights }
  | {
      readonly ok: false;
      readonly kind: "unknown" | "forbidden" | "wrong-id" | "busy";
      readonly why: string;
    };

export type DeviceDoorkeeper = {
  admit(caller: DeviceCaller): Promise<DeviceAnswer>;
  /** Why it may not stay; undefined: it may. */
  objection(rights: DeviceRights): string | undefined;
  /** True when somebody else has written since it was asked last. */
  hasNews(): boolean;
};

const TRIES = { atOnceMax: 2, waitingMax: 64, waitingOfAddressMax: 16 };

export function createDeviceDoorkeeper({
  accounts,
  secrets,
}: {
  readonly accounts: DeviceAccounts;
  readonly secrets: Secrets;
}): DeviceDoorkeeper {
  let seen = accounts.changes();
  /** By name: what was right, and for what it was. */
  const right = new Map<string, { readonly hardened: string; readonly digest: string }>();
  const given = new WeakMap<DeviceRights, DeviceAccount>();
  const turns = createTurns(TRIES);

  async function matches({ name, hardened }: DeviceAccount, caller: DeviceCaller) {
    const { password } = caller;
    if (hardened === null) return "no" as const;
    const digest = secrets.digest(password);
    const known = right.get(name);
    if (known?.hardened === hardened && secrets.same(known.digest, digest)) return "yes" as const;
    if ((await turns.take(caller)) === "busy") return "busy" as const;
    try {
      const { ok } = await secrets.matches(password, hardened);
      if (ok) right.set(name, { hardened, digest });
      return ok ? ("yes" as const) : ("no" as const);
    } finally {
      turns.done();
    }
  }

  async function accountOf(caller: DeviceCaller): Promise<DeviceAccount | DeviceAnswer> {
    const { certificate, username } = caller;
    const name = certificate?.name ?? username;
    if (name === undefined) return refused("unknown", "it shows neither certificate nor user name");
    const account = accounts.find(name);
    if (certificate !== undefined)
      return account?.serial === certificate.serial
        ? account
        : refused("unknown", `the certificate of ${name} is not good any more`);
    if (account === undefined) return refused("unknown", `there is no device ${shown(name)}`);
    const answer = await matches(account, caller);
    if (answer === "busy") return refused("busy", "too many come at once");
    if (answer === "no") return refused("unknown", `not the password of ${name}`);
    // That took a while, and others may write.
    const now = accounts.find(name);
    return now?.hardened === account.hardened ? now : refused("unknown", `${name} was changed`);
  }

  return {
    async admit(caller) {
      const account = await accountOf(caller);
      if ("ok" in account) return account;
      const { name, clientId } = account;
      if (caller.clientId !== clientId)
        return refused(
          "wrong-id",
          `${name} calls itself ${shown(caller.clientId)}, and is ${clientId}`,
        );
      const rights = rightsOf(account);
      if (caller.will !== undefined && !rights.mayPublish(caller.will))
        return refused("forbidden", `${name} leaves a will under ${shown(caller.will)}`);
      given.set(rights, account);
      return { ok: true, rights };
    },
    objection(rights) {
      const before = given.get(rights);
      const now = accounts.find(rights.device);
      if (now === undefined) return "it was removed";
      return JSON.stringify(now) === JSON.stringify(before) ? undefined : "it was changed";
    },
    hasNews() {
      const now = accounts.changes();
      const news = now !== seen;
      seen = now;
      return news;
    },
  };
}

function rightsOf({ name, clientId, publish, subscribe }: DeviceAccount): DeviceRights {
  const heard = [...subscribe, `racktrace/${clientId}/#`];
  return {
    device: name,
    mayPublish: (topic) => publish.some((filter) => isWithin(filter, topic)),
    mayHear: (filter) => heard.some((granted) => isWithin(granted, filter)),
  };
}

function refused(
  kind: Exclude<DeviceAnswer, { readonly ok: true }>["kind"],
  why: string,
): DeviceAnswer {
  return { ok: false, kind, why };
}
