/**
 * Which device may come to the gateway's broker, and what is its own there: it is who its certificate
 * says, or its user name with the password that was made for it. It uses its own client id and no other,
 * publishes (and leaves a will) under its own topics, and hears what is said to it.
 *
 * Passwords are hardened, so that each try costs memory and time: few are tried at once, few wait, and one
 * that was right is known again by a digest while the program runs. A fleet that comes back is let in fast.
 */
import { isWithin } from "../devices/mqtt-mapping/topic.ts";
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

const TRIED_AT_ONCE_MAX = 2;
const WAITING_MAX = 64;

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
  const waiting: (() => void)[] = [];
  let trying = 0;

  async function matches({ name, hardened }: DeviceAccount, password: string) {
    if (hardened === null) return "no" as const;
    const digest = secrets.digest(password);
    const known = right.get(name);
    if (known?.hardened === hardened && secrets.same(known.digest, digest)) return "yes" as const;
    if (waiting.length >= WAITING_MAX) return "busy" as const;
    if (trying >= TRIED_AT_ONCE_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
    trying += 1;
    try {
      const { ok } = await secrets.matches(password, hardened);
      if (ok) right.set(name, { hardened, digest });
      return ok ? ("yes" as const) : ("no" as const);
    } finally {
      trying -= 1;
      waiting.shift()?.();
    }
  }

  async function accountOf(caller: DeviceCaller): Promise<DeviceAccount | DeviceAnswer> {
    const { certificate, username, password } = caller;
    const name = certificate?.name ?? username;
    if (name === undefined) return refused("unknown", "it shows neither certificate nor user name");
    const account = accounts.find(name);
    if (certificate !== undefined)
      return account?.serial === certificate.serial
        ? account
        : refused("unknown", `the certificate of ${name} is not good any more`);
    if (account === undefined) return refused("unknown", `there is no device ${name}`);
    const answer = await matches(account, password);
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
        return refused("wrong-id", `${name} calls itself ${caller.clientId}, and is ${clientId}`);
      const rights = rightsOf(account);
      if (caller.will !== undefined && !rights.mayPublish(caller.will))
        return refused("forbidden", `${name} leaves a will under ${caller.will}`);
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
