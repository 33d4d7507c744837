/** A real twin on a disk of a few megabytes that somebody else fills. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { mountSmallDisk } from "../gate/disk/small-disk.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startProgram } from "../support/programs.ts";

const MEGABYTES = 24;
const ROWS = 3_000;

test("a table that finds no room is refused with what to do, the twin stays, and takes it in when there is room", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip("mounting a disk needs the rights of root");
  const twin = await disk.startTwin();
  const ask = async (path: string, question: object) => {
    const answer = await fetch(`${twin.address["http"]}/api/v1/${path}`, {
      method: "POST",
      headers: { ...twin.headers, "content-type": "application/json" },
      body: JSON.stringify(question),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const take = (table: string) => ask("register/table", { list: "documents", table });

  disk.fill(0);
  const refused = await take(tableOf(ROWS));
  expect(refused).toMatchObject({
    status: 503,
    body: { title: "Not taken in", detail: "the twin's disk is full." },
  });
  expect(refused.body["next"]).toMatch(/^Make room .* send the table again/);

  const token = { name: "scale", role: "viewer" };
  expect(await ask("tokens", token)).toMatchObject({
    status: 503,
    body: { title: "No room on the disk", next: expect.stringMatching(/^Make room there/) },
  });

  disk.release();
  expect(await take(tableOf(ROWS))).toMatchObject({ status: 200, body: { recorded: ROWS } });
  expect(await twin.stop()).toBe(0);
}, 60_000);

test("a twin that is started on a full disk says where to look, and starts when there is room", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip("mounting a disk needs the rights of root");
  await (await disk.startTwin()).stop();
  disk.fill(0);
  await expect(disk.startTwin()).rejects.toThrow(
    /STORE_FAILED: .*evidence.db: .*\nCheck the disk: free space/,
  );
  disk.release();
  expect(await (await disk.startTwin()).stop()).toBe(0);
}, 60_000);

function smallDisk() {
  const disk = mountSmallDisk(join(temporaryFolder(), "disk"), MEGABYTES);
  if (disk === undefined) return undefined;
  onTestFinished(disk.unmount);
  const data = join(disk.folder, "data");
  mkdirSync(data);
  const anywhere = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  return { ...disk, startTwin: () => startProgram(["twin", "--data", data, ...anywhere], data) };
}

function tableOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => `D${n},${"x".repeat(40)},`);
  return ["id,class,pages", ...lines].join("\n");
}
