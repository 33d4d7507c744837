import { argon2Sync } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { secrets } from "../../src/io/secrets.ts";
import type { Secrets } from "../../src/ports.ts";
import { openAccess } from "../../src/store/access.ts";
import { openAccessLog } from "../../src/store/access-log.ts";
import { createAccess } from "../../src/twin/access.ts";
import { createAccessRecord } from "../../src/twin/access-record.ts";
import { createLogins } from "../../src/twin/logins.ts";
import { createPeople } from "../../src/twin/people.ts";
import { createThrottle } from "../../src/twin/throttle.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

const MINUTE_MS = 60_000;
const PASSWORD = "correct horse battery staple";
/** Where it is who tries, and how often, and not how a password is kept. */
const quick: Secrets = {
  ...secrets,
  matches: async (password) => ({ ok: password === PASSWORD, stale: false }),
};

test("a password is kept as argon2id with a salt of its own, and only it fits", async () => {
  const kept = await secrets.harden(PASSWORD);
  expect(kept).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await secrets.harden(PASSWORD)).not.toBe(kept);
  expect(await secrets.matches(PASSWORD, kept)).toEqual({ ok: true, stale: false });
  expect((await secrets.matches(`${PASSWORD} `, kept)).ok).toBe(false);
  expect((await secrets.matches(PASSWORD, "")).ok).toBe(false);
});

test("a password that was hardened less is known again, and hardened as it is done now", async () => {
  const { store, logins } = await open();
  const nonce = Buffer.from("somesaltsomesalt");
  const cheap = { message: PASSWORD, nonce, parallelism: 1, tagLength: 32, memory: 64, passes: 1 };
  const text = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
  const weak = `$argon2id$v=19$m=64,t=1,p=1$${text(nonce)}$${text(argon2Sync("argon2id", cheap))}`;
  store.changeUser("anna", { password: weak });
  expect(await logins.check("anna", "another password", "::1")).toMatchObject({ ok: false });
  expect(store.user("anna")?.password).toBe(weak);
  expect(await logins.check("anna", PASSWORD, "::1")).toMatchObject({ ok: true });
  expect(store.user("anna")?.password).toContain("m=19456,t=2,p=1");
  expect(await logins.check("anna", PASSWORD, "::1")).toMatchObject({ ok: true });
});

test("a password that was replaced while it was checked lets nobody in", async () => {
  const gate = createGate();
  const { logins, people } = await open({
    ...secrets,
    async matches(password, hardened) {
      const match = await secrets.matches(password, hardened);
      await gate.passed;
      return match;
    },
  });
  const late = logins.check("anna", PASSWORD, "::1");
  await people.setPassword("anna", "another password of hers");
  gate.open();
  expect(await late).toEqual({ ok: false, why: "wrong" });
});

test("a password that was replaced while it was hardened anew does not come back", async () => {
  const gate = createGate();
  let isOpen = false;
  const { logins, people, store } = await open({
    ...secrets,
    matches: async () => ({ ok: true, stale: true }),
    async harden(password) {
      if (isOpen && password === PASSWORD) await gate.passed;
      return secrets.harden(password);
    },
  });
  isOpen = true;
  const late = logins.check("anna", PASSWORD, "::1");
  await people.setPassword("anna", "another password of hers");
  const kept = store.user("anna")?.password;
  gate.open();
  expect(await late).toEqual({ ok: false, why: "wrong" });
  expect(store.user("anna")?.password).toBe(kept);
});

test("whoever is thrown out or gets another role while a password is hardened sets none, neither theirs nor another's, and adds nobody", async () => {
  const { access, people, store } = await open();
  const entered = () => access.identify({ token: undefined, session: access.begin("anna") });
  const heir = { name: "heir", person: "Heir", role: "administrator", password: PASSWORD } as const;
  const attempts = [
    () => people.setPassword("anna", "a password of a thief's", entered(), entered()?.digest),
    () => people.setPassword("anna", "a password of a thief's", entered()),
    () => people.add(heir, entered()),
  ];
  for (const attempt of attempts) {
    const late = attempt();
    store.endSessions("anna");
    expect(await late).toEqual({ ok: false, why: "ended" });
  }
  const late = people.add(heir, entered());
  store.changeUser("anna", { role: "viewer" });
  expect(await late).toEqual({ ok: false, why: "ended" });
  expect(await people.add(heir, entered())).toMatchObject({ ok: true });
});

test("what is typed on one keyboard is the password of another", async () => {
  const kept = await secrets.harden("Pa\u0308ssword of Jo\u0308rg");
  expect((await secrets.matches("P\u00e4ssword of J\u00f6rg", kept)).ok).toBe(true);
});

test("whoever guesses waits ever longer, up to a limit, and starts anew after a right one", () => {
  const throttle = createThrottle(secrets, { free: 3, waitMsMax: 5_000, forgetMs: 60_000 });
  const waits: number[] = [];
  let nowMs = 1_000_000;
  for (let n = 0; n < 8; n++) {
    const waitMs = throttle.waitMs("anna", nowMs);
    waits.push(waitMs);
    nowMs += waitMs;
    expect(throttle.waitMs("anna", nowMs)).toBe(0);
    throttle.begin("anna", nowMs);
  }
  expect(waits).toEqual([0, 0, 0, 1_000, 2_000, 4_000, 5_000, 5_000]);
  expect(throttle.waitMs("anna", nowMs + 60_001)).toBe(0);
  throttle.succeed("anna");
  expect(throttle.waitMs("anna", nowMs)).toBe(0);
  expect(throttle.waitMs("anna", nowMs - 10)).toBe(0);
});

test("a try that is taken back makes nobody wait, neither longer nor anew", () => {
  const throttle = createThrottle(secrets, { free: 3, waitMsMax: 5_000, forgetMs: 60_000 });
  for (let n = 0; n < 3; n++) throttle.begin("anna", 1_000_000);
  const takeBack = throttle.begin("anna", 1_001_000);
  expect(throttle.waitMs("anna", 1_001_000)).toBe(2_000);
  takeBack();
  expect(throttle.waitMs("anna", 1_001_000)).toBe(0);
  // Where another has begun since, that one counts from when it began.
  const takeBackToo = throttle.begin("anna", 1_002_000);
  throttle.begin("anna", 1_003_000);
  takeBackToo();
  expect(throttle.waitMs("anna", 1_003_000)).toBe(2_000);
});

test("tries that begin at once get no more guesses than tries one after the other", async () => {
  const { logins } = await open();
  const tries = await Promise.all(
    Array.from({ length: 12 }, (_, n) => logins.check("anna", `guess number ${n}`, "::1")),
  );
  const outcomes = tries.map((one) => (one.ok ? "ok" : one.why));
  expect(outcomes.filter((one) => one === "wrong")).toHaveLength(5);
  expect(outcomes.filter((one) => one === "wait")).toHaveLength(7);
  expect(await logins.check("anna", PASSWORD, "::1")).toMatchObject({ ok: false, why: "wait" });
  // From elsewhere they still get in: nobody locks an administrator out by guessing.
  expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toMatchObject({ ok: true });
});

test("whoever goes on while he has to wait is told in one line, and in another for all that followed", async () => {
  const { logins, clock, journal } = await open(quick);
  for (let n = 0; n < 105; n++) await logins.check("anna", "a guess", "10.0.0.9");
  expect(logins.tally().wait).toBe(100);
  expect(journal).toEqual(['login-waits {"address":"10.0.0.9","waitMs":1000}']);
  await clock.advance(10_000);
  expect(journal.slice(1)).toEqual(['login-waits {"address":"10.0.0.9","more":99}']);
});

test("whoever has come in from somewhere is not kept out by those who guess elsewhere", async () => {
  const { logins } = await open(quick);
  expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toMatchObject({ ok: true });
  for (let n = 0; n < 40; n++) await logins.check("anna", "a guess", `10.1.0.${n}`);
  // From somewhere new she waits, as they do; the right word is no sign of being her.
  expect(await logins.check("anna", PASSWORD, "10.2.0.1")).toMatchObject({
    ok: false,
    why: "wait",
  });
  expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toMatchObject({ ok: true });
  // There she is not known by her name alone: guesses from her own place count.
  for (let n = 0; n < 5; n++) await logins.check("anna", "a guess", "10.0.0.9");
  expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toMatchObject({
    ok: false,
    why: "wait",
  });
});

test("whoever has come in from somewhere comes in while guesses from everywhere else wait to be checked", async () => {
  const { logins, gate } = await openHeld();
  expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toMatchObject({ ok: true });
  const guesses = Array.from({ length: 200 }, (_, n) =>
    logins.check(`name-${n}`, "a guess", `10.1.0.${n}`),
  );
  expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toMatchObject({ ok: true });
  gate.open();
  const outcomes = (await Promise.all(guesses)).map((one) => (one.ok ? "ok" : one.why));
  expect(outcomes.filter((one) => one === "wrong")).toHaveLength(17);
  expect(outcomes.filter((one) => one === "busy")).toHaveLength(183);
});

test("one address that fills all places gives way to who comes from another", async () => {
  const { logins, gate } = await openHeld();
  const guesses = Array.from({ length: 60 }, (_, n) =>
    logins.check(`name-${n}`, "a guess", "10.1.0.1"),
  );
  const anna = logins.check("anna", PASSWORD, "10.0.0.9");
  gate.open();
  expect(await anna).toMatchObject({ ok: true });
  await Promise.all(guesses);
});

test("a try that was not checked is no failed one, and one whose caller has gone is not checked", async () => {
  const { logins, gate, checked } = await openHeld();
  let gone = false;
  const guesses = Array.from({ length: 17 }, (_, n) =>
    logins.check(`name-${n}`, "a guess", `10.1.0.${n}`, () => n === 16 && gone),
  );
  for (let n = 0; n < 50; n++)
    expect(await logins.check("anna", PASSWORD, "10.0.0.9")).toEqual({ ok: false, why: "busy" });
  gone = true;
  const anna = logins.check("anna", PASSWORD, "10.0.0.9");
  gate.open();
  expect(await anna).toMatchObject({ ok: true });
  await Promise.all(guesses);
  expect(checked.filter((password) => password === "a guess")).toHaveLength(16);
});

test("an IPv6 host guesses from all of its addresses as from one", async () => {
  const { logins } = await open(quick);
  for (let n = 0; n < 5; n++) await logins.check("anna", "a guess", `2001:db8:0:7::${n + 1}`);
  const tried = await logins.check("anna", PASSWORD, "2001:db8:0:7:ffff::1");
  expect(tried).toMatchObject({ ok: false, why: "wait" });
  expect(await logins.check("anna", PASSWORD, "2001:db8:0:8::1")).toMatchObject({ ok: true });
});

test("a name that nobody has is checked as one that somebody has, and is refused alike", async () => {
  const checked: string[] = [];
  const { logins } = await open({
    ...secrets,
    matches(password, hardened) {
      checked.push(hardened.slice(0, 28));
      return secrets.matches(password, hardened);
    },
  });
  expect(await logins.check("anna", "wrong", "::1")).toEqual({ ok: false, why: "wrong" });
  expect(await logins.check("nobody", "wrong", "::1")).toEqual({ ok: false, why: "wrong" });
  expect(new Set(checked).size).toBe(1);
  for (let n = 0; n < 6; n++) await logins.check("nobody", "wrong", "::1");
  expect(await logins.check("nobody", "wrong", "::1")).toMatchObject({ ok: false, why: "wait" });
});

test("a session is over when nobody has used it, and in any case after its time", async () => {
  const { access, clock } = await open();
  const session = access.begin("anna");
  const known = () => access.identify({ token: undefined, session })?.name;
  for (let n = 0; n < 11; n++) {
    await clock.advance(59 * MINUTE_MS);
    expect(known()).toBe("anna");
  }
  await clock.advance(59 * MINUTE_MS);
  expect(known()).toBe("anna");
  await clock.advance(13 * MINUTE_MS);
  expect(known()).toBeUndefined();

  const idle = access.begin("anna");
  await clock.advance(61 * MINUTE_MS);
  expect(access.identify({ token: undefined, session: idle })).toBeUndefined();
});

test("a session that was begun while the clock was far ahead does not outlive its being set right", async () => {
  const { access, clock } = await open();
  const session = access.begin("anna");
  const known = () => access.identify({ token: undefined, session })?.name;
  clock.setWall(-MINUTE_MS);
  expect(known()).toBe("anna");
  clock.setWall(-400 * 24 * 60 * MINUTE_MS);
  expect(known()).toBeUndefined();
});

test("what is watched ends by itself with its session, and an open stream is no use of it", async () => {
  const { access, clock } = await open();
  const principal = access.identify({ token: undefined, session: access.begin("anna") });
  let ended = 0;
  if (principal === undefined) throw new Error("anna is not known");
  access.watch(principal, () => {
    ended += 1;
  });
  await clock.advance(59 * MINUTE_MS);
  expect(ended).toBe(0);
  await clock.advance(2 * MINUTE_MS);
  expect(ended).toBe(1);
});

test("a full disk keeps nobody out who may ask, and ends no stream of theirs", async () => {
  const { access, clock, store } = await open();
  const [session, token] = [access.begin("anna"), "rt_reads"];
  const row = { name: "reads", role: "viewer", madeBy: "anna", madeAtMs: 0, endsAtMs: 8.64e15 };
  store.addToken({ ...row, digest: secrets.digest(token) });
  const full = () => {
    throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
  };
  Object.assign(store, { useToken: full, useSession: full });
  const program = access.identify({ token, session: undefined });
  if (program === undefined) throw new Error("the token is not known");
  let ended = 0;
  access.watch(program, () => {
    ended += 1;
  });
  await clock.advance(30 * MINUTE_MS);
  expect(ended).toBe(0);
  expect(access.identify({ token: undefined, session })).toMatchObject({ name: "anna" });
});

test("a login key works once, and not for long", async () => {
  const { logins, clock } = await open();
  const { key = "" } = logins.mintKey("anna", "local") ?? {};
  expect(logins.useKey(key)).toMatchObject({ ok: true, user: { name: "anna" } });
  expect(logins.useKey(key)).toMatchObject({ ok: false });
  const late = logins.mintKey("anna", "local")?.key ?? "";
  await clock.advance(16 * MINUTE_MS);
  expect(logins.useKey(late)).toMatchObject({ ok: false });
  expect(logins.mintKey("nobody", "local")).toBeUndefined();
});

test("a login key is worth nothing once its user, or who made it, has another password or role", async () => {
  const { logins, people } = await open();
  const password = PASSWORD;
  await people.add({ name: "boris", person: "Boris", role: "viewer", password });
  await people.add({ name: "chief", person: "Chief", role: "administrator", password });
  const changes: readonly (() => unknown)[] = [
    () => people.setPassword("boris", undefined),
    () => people.change("boris", { disabled: true }) && people.change("boris", { disabled: false }),
    () => people.change("boris", { role: "administrator" }),
    () => people.setPassword("chief", undefined),
    () => people.change("chief", { role: "viewer" }),
  ];
  for (const change of changes) {
    const { key = "" } = logins.mintKey("boris", "chief") ?? {};
    await change();
    expect(logins.useKey(key), String(change)).toMatchObject({ ok: false });
  }
  const { key = "" } = logins.mintKey("boris", "chief") ?? {};
  people.change("boris", { person: "Boris B." });
  expect(logins.useKey(key)).toMatchObject({ ok: true });
});

test("somebody can always administer, and a password that is easily guessed is refused", async () => {
  const { people } = await open();
  expect(people.change("anna", { disabled: true })).toEqual({
    ok: false,
    why: "last_administrator",
  });
  expect(people.change("anna", { role: "viewer" })).toEqual({
    ok: false,
    why: "last_administrator",
  });
  const add = (password: string) =>
    people.add({ name: "boris", person: "Boris", role: "administrator", password });
  for (const password of ["short", "aaaaaaaaaaaaaaaa", "borisborisboris"])
    expect(await add(password)).toEqual({ ok: false, why: "weak" });
  expect(await add(PASSWORD)).toMatchObject({ ok: true });
  expect(await add(PASSWORD)).toEqual({ ok: false, why: "taken" });
  expect(people.change("anna", { disabled: true })).toMatchObject({ ok: true });
});

test("a made password is another each time and has a hundred bits", async () => {
  const { people } = await open();
  const made = await people.setPassword("anna", undefined);
  const again = await people.setPassword("anna", undefined);
  if (!made.ok || !again.ok) throw new Error("refused");
  expect(made.made).toMatch(/^([a-z2-9]{4}-){4}[a-z2-9]{4}$/);
  expect(again.made).not.toBe(made.made);
});

test("the file is its owner's only, what SQLite lays beside it too, and holds no secret", async () => {
  const { access, path } = await open();
  access.begin("anna");
  for (const name of [path, `${path}-wal`, `${path}-shm`])
    expect(statSync(name).mode & 0o777, name).toBe(0o600);
});

test("a flood of refusals drives out no deed, is counted where it is the same, and stays bounded", async () => {
  const { store, clock } = await open();
  const log = openAccessLog(store.db, { done: 5, often: 5, refused: 10 });
  const record = createAccessRecord({ clock, log });
  const entry = { who: "anna", role: "viewer", address: "::1", what: "POST /x", status: 201 };
  for (let n = 0; n < 8; n++) record.done({ ...entry, what: `POST /${n}` });
  for (let n = 0; n < 1_000; n++)
    record.refused({ ...entry, status: 403, address: `10.0.${n % 250}.1` });
  await clock.advance(1_000);
  const all = log.list(1_000, undefined, undefined);
  expect(all.filter(({ kind }) => kind === "done").map(({ what }) => what)).toEqual(
    ["7", "6", "5", "4", "3"].map((n) => `POST /${n}`),
  );
  const refused = all.filter(({ kind }) => kind === "refused");
  // Ten of viewers, and one row of nobody in particular.
  expect(refused).toHaveLength(11);
  expect(record.refusals()).toBe(1_000);
  expect(refused.some(({ what, times }) => what.startsWith("many more") && times === 200)).toBe(
    true,
  );
});

test("refusals that find no room on a full disk are written when there is some", async () => {
  const { store, clock } = await open();
  const log = openAccessLog(store.db);
  const record = createAccessRecord({ clock, log });
  const pages = store.db.pragma("page_count", { simple: true });
  store.db.pragma(`max_page_count = ${pages}`);
  const what = (n: number) => `${"x".repeat(4_000)} ${n}`;
  for (let n = 0; n < 20; n++)
    record.refused({ who: "anna", role: "viewer", address: "::1", what: what(n), status: 403 });
  await clock.advance(2_000);
  expect(log.list(100, undefined, undefined)).toEqual([]);

  store.db.pragma("max_page_count = 1000");
  await clock.advance(1_000);
  expect(log.list(100, undefined, undefined)).toHaveLength(20);
});

test("nobody who may little drives a deed of an administrator out of the log", async () => {
  const { store, clock } = await open();
  const log = openAccessLog(store.db, { done: 5, often: 5, refused: 10 });
  const record = createAccessRecord({ clock, log });
  const entry = { who: "anna", role: "administrator", address: "::1", what: "x", status: 201 };
  record.done(entry);
  for (let n = 0; n < 20; n++) record.done({ ...entry, who: "token", role: "viewer" });
  const kept = (who: string) => log.list(1_000, undefined, who).length;
  expect([kept("anna"), kept("token")]).toEqual([1, 5]);
});

test("what is done all day drives out no other deed of the role, and has a bound of its own", async () => {
  const { store, clock } = await open();
  const log = openAccessLog(store.db, { done: 5, often: 10, refused: 10 });
  const record = createAccessRecord({ clock, log });
  const entry = { who: "anna", role: "operator", address: "::1", status: 200 };
  record.done({ ...entry, what: "POST /api/v1/receipts twin/e/77", status: 201 });
  for (let n = 1; n <= 40; n++) {
    record.often({ ...entry, what: `POST /api/v1/phones/scans phone-x ${n}-${n}` });
    await clock.advance(1_000);
  }
  const all = log.list(1_000, undefined, undefined);
  expect(all.map(({ kind }) => kind)).toEqual(Array.from({ length: 11 }, () => "done"));
  expect(all[0]?.what).toContain("40-40");
  expect(all.at(-1)?.what).toContain("receipts");
});

/** Guesses take until the gate is opened, and the right password no time. */
async function openHeld() {
  const gate = createGate();
  const checked: string[] = [];
  const opened = await open({
    ...quick,
    async matches(password, hardened) {
      checked.push(password);
      if (password !== PASSWORD) await gate.passed;
      return quick.matches(password, hardened);
    },
  });
  return { ...opened, gate, checked };
}

function createGate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

async function open(with_: Secrets = secrets) {
  const path = join(temporaryFolder(), "access.db");
  const clock = createPretendedClock();
  const store = openAccess(path);
  onTestFinished(() => store.close());
  const access = createAccess(
    { clock, secrets: with_, store },
    { idleMs: 60 * MINUTE_MS, sessionMs: 12 * 60 * MINUTE_MS },
  );
  const journal: string[] = [];
  const tell = (what: string, details?: object) =>
    void journal.push(`${what} ${JSON.stringify(details)}`);
  const told = { note: tell, warn: tell, error: tell };
  const logins = createLogins({ clock, journal: told, secrets: with_, store });
  const people = createPeople({
    ...{ clock, secrets: with_, store, access, logins },
    onPassword: () => {},
  });
  await people.add({ name: "anna", person: "Anna", role: "administrator", password: PASSWORD });
  return { path, clock, store, access, people, logins, journal, secrets: with_ };
}
