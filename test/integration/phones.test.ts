/** Phones that scan, at the twin's door: exactly once, in order, and only under their own name. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  folderId,
  openSmallWarehouse,
  PLACE,
  pageId,
  type SmallWarehouse,
  symbol,
} from "../page/small-warehouse.ts";
import { until } from "../support/until.ts";

let folder: string;
let warehouse: SmallWarehouse;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "racktrace-phones-"));
  warehouse = await openSmallWarehouse(folder);
}, 60_000);

afterAll(async () => {
  await warehouse?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a phone that asks twice for its name gets the same one, and another key gets none", async () => {
  const phone = aPhone();
  const first = await post("phones", phone.enrolment);
  const again = await post("phones", phone.enrolment);
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.body.gateway).toBe(first.body.gateway);
  expect(first.body.gateway).toMatch(/^phone-[a-z0-9]{10}$/);

  expect(await deeds()).toContain(`POST /api/v1/phones ${first.body.gateway}`);

  const stolen = await post("phones", { ...phone.enrolment, key: aPhone().enrolment.key });
  expect(stolen.status).toBe(403);
  const scans = await post("phones/scans", {
    ...phone.batch(first.body.gateway, 1, [pageId(50)]),
    key: aPhone().enrolment.key,
  });
  expect(scans.status).toBe(403);
});

test("scans that are sent again are taken in once, and a hole is asked for", async () => {
  const { phone, gateway } = await enrolled();
  const first = phone.batch(gateway, 1, [pageId(1), pageId(2)]);
  expect((await post("phones/scans", first)).body.through).toBe(2);
  expect((await post("phones/scans", first)).body.through).toBe(2);
  const ahead = await post("phones/scans", phone.batch(gateway, 5, [pageId(5)]));
  expect(ahead.body.through).toBe(2);
  const overlapping = phone.batch(gateway, 2, [pageId(2), folderId(1), PLACE.shelf1]);
  overlapping.scans[0] = first.scans[1] as (typeof first.scans)[number];
  expect((await post("phones/scans", overlapping)).body.through).toBe(4);
  expect((await post("phones/scans", phone.batch(gateway, 5, []))).body.through).toBe(4);

  expect(await seqsOf(gateway)).toEqual([1, 2, 3, 4]);
  // Under whose login which numbers came; what took nothing in is no deed.
  expect(await scansLogged(gateway)).toEqual(["3-4", "1-2"]);
  await until("the page is where the phone filed it", async () => {
    const { path } = await warehouse.ask("where", { id: pageId(1) });
    return path?.[0]?.key === "8003/09521234005001F0001";
  });
});

test("whoever sends what takes nothing in fills no log, and what contradicts is told of", async () => {
  const { phone, gateway } = await enrolled();
  await post("phones/scans", phone.batch(gateway, 1, [pageId(20), pageId(21)]));
  for (let firstSeq = 4; firstSeq < 24; firstSeq++) {
    const ahead = await post("phones/scans", phone.batch(gateway, firstSeq, [pageId(5)]));
    expect([ahead.status, ahead.body.through]).toEqual([200, 2]);
  }
  expect(await scansLogged(gateway)).toEqual(["1-2"]);

  // The evidence keeps both, and nobody but the log knows who sent the second.
  expect((await post("phones/scans", phone.batch(gateway, 2, [pageId(9)]))).body.through).toBe(2);
  expect(await scansLogged(gateway)).toEqual(["others under 2-2", "1-2"]);
});

test("a fresh scan is judged by the same answer", async () => {
  const { phone, gateway } = await enrolled();
  const { body } = await post("phones/scans", phone.batch(gateway, 1, [pageId(7)]));
  expect(body).toMatchObject({ through: 1, verdicts: [{ seq: 1, kind: "accepted" }] });
  const misread = phone.batch(gateway, 2, []);
  misread.scans.push(phone.scan("]d2253952123400001XN00001P01"));
  const judged = await post("phones/scans", misread);
  expect(judged.body.verdicts).toMatchObject([{ seq: 2, kind: "unknown" }]);
});

test("the word on a scan is there for a phone that asks again", async () => {
  const { phone, gateway } = await enrolled();
  await post("phones/scans", phone.batch(gateway, 1, [pageId(10), pageId(11)]));
  await until("both are judged", async () => {
    const { body } = await post("phones/scans", phone.batch(gateway, 3, []));
    return body.verdicts.map(({ seq }: { seq: number }) => seq).join() === "1,2";
  });
});

test("what was answered survives the twin's death, and the phone goes on where it was", async () => {
  const { phone, gateway } = await enrolled();
  const { body } = await post("phones/scans", phone.batch(gateway, 1, [pageId(8), pageId(9)]));
  expect(body.through).toBe(2);
  await warehouse.killTwin();
  await warehouse.startTwin();
  expect((await post("phones/scans", phone.batch(gateway, 3, []))).body.through).toBe(2);
  expect((await post("phones/scans", phone.batch(gateway, 3, [folderId(2)]))).body.through).toBe(3);
  expect(await seqsOf(gateway)).toEqual([1, 2, 3]);
}, 90_000);

test("nothing is taken in from a phone that was revoked, and its scans come once it is allowed again", async () => {
  const { phone, gateway } = await enrolled();
  const scans = phone.batch(gateway, 1, [pageId(12)]);
  const revoked = await post("phones/changes", { gateway, revoked: true });
  expect([revoked.status, typeof revoked.body.revokedAt]).toEqual([200, "string"]);
  for (const [path, body] of [
    ["phones/scans", scans],
    ["phones", phone.enrolment],
  ] as const) {
    const refused = await post(path, body);
    expect([path, refused.status, refused.body.detail]).toEqual([
      path,
      403,
      "An administrator has revoked this phone.",
    ]);
  }
  await warehouse.killTwin();
  await warehouse.startTwin();
  expect((await post("phones/scans", scans)).status).toBe(403);
  expect(await seqsOf(gateway)).toEqual([]);
  expect(await deeds()).toContain(`POST /api/v1/phones/changes ${gateway} revoked`);

  const allowed = await post("phones/changes", { gateway, revoked: false });
  expect(allowed.body.revokedAt).toBeNull();
  expect((await post("phones/scans", scans)).body.through).toBe(1);
  expect((await post("phones/changes", { gateway: "phone-none", revoked: true })).status).toBe(404);
}, 90_000);

test("the list of phones comes a page at a time, and each phone is on one of them", async () => {
  const known = [];
  for (let n = 0; n < 5; n++) known.push((await enrolled()).gateway);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { phones: { gateway: string }[]; next: string | null } = await warehouse.ask(
      "phones",
      { limit: "2", ...(cursor !== null && { cursor }) },
    );
    seen.push(...page.phones.map(({ gateway }) => gateway));
    cursor = page.next;
  } while (cursor !== null);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(expect.arrayContaining(known));
});

test("a request that is not clear is refused with what is wrong, and nothing is taken in", async () => {
  const { phone, gateway } = await enrolled();
  const batch = phone.batch(gateway, 1, [pageId(1)]);
  const { status, body } = await post("phones/scans", {
    ...batch,
    scans: [{ ...batch.scans[0], raw: "not base64!" }],
  });
  expect(status).toBe(400);
  expect(body.detail).toMatch(/raw/);
  expect(await seqsOf(gateway)).toEqual([]);
});

function aPhone() {
  const enrolment = {
    epoch: randomUUID(),
    key: randomUUID().repeat(2),
    label: "a phone",
    site: "(414)9521234000105",
  };
  const bootMs = Date.now();
  const scan = (text: string) => ({
    boot: 1,
    timeMs: Date.now(),
    monotonicMs: Date.now() - bootMs,
    raw: Buffer.from(text, "latin1").toString("base64"),
    step: "storing",
  });
  return {
    enrolment,
    scan,
    batch: (gateway: string, firstSeq: number, ids: readonly string[]) => ({
      gateway,
      key: enrolment.key,
      epoch: enrolment.epoch,
      boot: 1,
      firstSeq,
      goneThrough: 0,
      sentAtMs: Date.now(),
      scans: ids.map((id) => scan(symbol(id))),
    }),
  };
}

async function enrolled() {
  const phone = aPhone();
  const { body } = await post("phones", phone.enrolment);
  return { phone, gateway: body.gateway as string };
}

async function seqsOf(gateway: string): Promise<readonly number[]> {
  const { events } = await warehouse.ask("events", { limit: "5000" });
  return (events as { gateway: string; seq: number }[])
    .filter((event) => event.gateway === gateway)
    .map(({ seq }) => seq);
}

/** The newest first. */
async function scansLogged(gateway: string): Promise<readonly string[]> {
  const route = `POST /api/v1/phones/scans ${gateway} `;
  const all = await deeds();
  return all.filter((what) => what.startsWith(route)).map((what) => what.slice(route.length));
}

/** As the access log has them. */
async function deeds(): Promise<readonly string[]> {
  const { entries } = await warehouse.ask("audit/access", {});
  return (entries as { what: string }[]).map(({ what }) => what);
}

async function post(path: string, body: object) {
  const response = await fetch(`${warehouse.url}/api/v1/${path}`, {
    method: "POST",
    headers: { ...warehouse.headers(), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each answer has a shape of its own
  return { status: response.status, body: (await response.json()) as any };
}
