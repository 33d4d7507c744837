import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { lockFolder } from "../../src/store/folder-lock.ts";
import { mountSmallDisk } from "../gate/disk/small-disk.ts";
import { temporaryFolder } from "../support/folder.ts";

test("a folder is held by one at a time, and free again when it is released", () => {
  const folder = join(temporaryFolder(), "data");
  const lock = lockFolder(folder);

  expect(() => lockFolder(folder)).toThrow("DATA_IN_USE");
  lock.release();
  lockFolder(folder).release();
});

test("a data folder and the databases in it are nobody else's to read, whatever the umask", () => {
  const folder = join(temporaryFolder(), "racktrace", "data");
  const lock = lockFolder(folder);
  onTestFinished(lock.release);
  const db = openDatabase(join(folder, "evidence.db"), ["CREATE TABLE kept (a)"], "durable");
  onTestFinished(() => void db.close());
  const modeOf = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);
  expect(modeOf(".")).toBe("700");
  expect(["lock", "evidence.db", "evidence.db-wal", "evidence.db-shm"].map(modeOf)).toEqual(
    Array(4).fill("600"),
  );
});

test("a process holds its folder for as long as it lives, and not when it was killed", async () => {
  const folder = temporaryFolder();
  const holder = spawn(
    process.execPath,
    [
      "--expose-gc",
      "--input-type=module-typescript",
      "-e",
      `import { lockFolder } from ${JSON.stringify(new URL("../../src/store/folder-lock.ts", import.meta.url).href)};
       lockFolder(${JSON.stringify(folder)});
       for (let n = 0; n < 5; n++) globalThis.gc();
       console.log("held");
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  expect(() => lockFolder(folder)).toThrow("DATA_IN_USE");

  holder.kill("SIGKILL");
  await once(holder, "close");

  lockFolder(folder).release();
});

test("a folder is held on a full disk, too: who starts there may make room", ({ skip }) => {
  const disk = mountSmallDisk(join(temporaryFolder(), "disk"), 4);
  if (disk === undefined) return skip("mounting a disk needs the rights of root");
  onTestFinished(disk.unmount);
  const folder = join(disk.folder, "data");
  lockFolder(folder).release();
  disk.fill(0);
  const lock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow("DATA_IN_USE");
  lock.release();
});
