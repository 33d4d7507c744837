/** What is wrong with a data folder and the disk under it. */
import type { FolderFacts } from "../../io/machine/folder-probe.ts";
import { FAULTS, type FaultCode } from "../../kernel/fault.ts";
import { type Finding, finding } from "./finding.ts";

export type FolderContext = {
  readonly uid: number;
  /** The gateway that holds it answers. */
  readonly answers: boolean;
  readonly bytesMax: number;
};

const FREE_BYTES_MIN = 64 * 1024 * 1024;
const FREE_FILES_MIN = 64;
const FSYNC_MS_MAX = 500;
const QUARANTINE_MAX = 9_000;

export function judgeFolder(facts: FolderFacts, context: FolderContext): readonly Finding[] {
  return [
    ...writing(facts, context),
    ...keeping(facts, context),
    ...holding(facts, context),
    ...contents(facts),
  ];
}

function writing(facts: FolderFacts, { uid }: FolderContext): readonly Finding[] {
  const { path, exists, writeError, fsyncMs, ownerUid } = facts;
  const about = `data folder ${path}`;
  if (writeError === undefined && fsyncMs !== undefined && fsyncMs > FSYNC_MS_MAX)
    return [
      finding(
        "disk-slow",
        about,
        [
          `a write took ${Math.round(fsyncMs)} ms to reach the disk`,
          "the disk is worn out, very busy, or an SD card",
          "look at `dmesg` and `iostat`; move the folder to eMMC or an SSD",
        ],
        false,
      ),
    ];
  if (writeError === undefined)
    return uid === 0 && ownerUid !== undefined && ownerUid !== 0
      ? [asRoot(about, path, ownerUid)]
      : [];
  if (writeError.code === "ENOSPC" || writeError.code === "EDQUOT")
    return [
      finding("disk-full", about, [
        "nothing can be written any more",
        "the disk is full",
        "free space: `df -h`, `journalctl --vacuum-size=200M`; nothing that was acknowledged is lost",
      ]),
    ];
  if (writeError.code === "EROFS")
    return [
      finding("disk-read-only", about, [
        "the file system is read-only",
        "it was mounted so, or the kernel made it so after an error of the disk",
        "look at `dmesg` and `findmnt`; mount it again, or change the disk",
      ]),
    ];
  return [
    finding("folder-not-writable", about, [
      exists ? "this user cannot write there" : "it is absent, and this user cannot make it",
      `it belongs to somebody else (${writeError.code})`,
      `chown it to the user of the gateway: chown -R racktrace-gateway: ${path}`,
    ]),
  ];
}

/** Root may write everywhere, and what it leaves belongs to it. */
function asRoot(about: string, path: string, ownerUid: number): Finding {
  return finding(
    "asked-as-root",
    about,
    [
      "this is asked by root, and the folder belongs to another user",
      "what that user may not do, root does not notice",
      `ask as that user: setpriv --reuid ${ownerUid} --init-groups racktrace doctor ... (data in ${path})`,
    ],
    false,
  );
}

function keeping(
  { path, fileSystem, room }: FolderFacts,
  { bytesMax }: FolderContext,
): readonly Finding[] {
  const about = `data folder ${path}`;
  const found: Finding[] = [];
  if (fileSystem?.keeps === "gone")
    found.push(
      finding("disk-in-memory", about, [
        `it is on ${fileSystem.name}: with the power all that waits is gone`,
        "the file system lives in memory",
        "move `data` to a folder on a disk",
      ]),
    );
  if (fileSystem?.keeps === "network")
    found.push(
      finding("disk-over-network", about, [
        `it is on ${fileSystem.name}: what is acknowledged may not be on a disk`,
        "the file system is another machine's",
        "move `data` to a disk of this machine",
      ]),
    );
  if (fileSystem?.keeps === "weak")
    found.push(
      finding("disk-weak", about, [
        `${fileSystem.name} does not survive a power cut in the middle of a write`,
        "it has no journal",
        "make an ext4 file system for the data",
      ]),
    );
  if (room !== undefined && room.freeBytes < FREE_BYTES_MIN && room.totalBytes > 0)
    found.push(
      finding("disk-nearly-full", about, [
        `${Math.round(room.freeBytes / 1e6)} MB are left`,
        "the disk is nearly full",
        "free space before the outbox has to refuse: `df -h`, `journalctl --vacuum-size=200M`",
      ]),
    );
  else if (room !== undefined && room.totalBytes < bytesMax)
    found.push(
      finding(
        "budget-over-disk",
        about,
        [
          `outbox.bytesMax is ${Math.round(bytesMax / 1e6)} MB, the whole disk has ${Math.round(room.totalBytes / 1e6)} MB`,
          "the budget was not made for this disk",
          "lower outbox.bytesMax, so that the oldest telemetry gives way before the disk is full",
        ],
        false,
      ),
    );
  if (room !== undefined && room.freeFiles < FREE_FILES_MIN && room.freeFiles > 0)
    found.push(
      finding("disk-no-files", about, [
        `only ${room.freeFiles} more files can be made`,
        "the file system has no inodes left",
        "delete many small files: `df -i` shows where",
      ]),
    );
  return found;
}

function holding({ path, held }: FolderFacts, { answers }: FolderContext): readonly Finding[] {
  const about = `data folder ${path}`;
  if (held === "held" && !answers)
    return [
      finding("folder-held", about, [
        "a racktrace holds it, and does not answer under its address",
        "a second one was started by hand, or the one that runs hangs",
        "`pgrep -af racktrace` shows them; stop the one that should not run",
      ]),
    ];
  if (held === "unreadable")
    return [
      finding("folder-not-ours", about, [
        "its lock cannot be opened by this user",
        "a program of another user made it, such as one started by hand as root",
        `chown -R racktrace-gateway: ${path}`,
      ]),
    ];
  return [];
}

function contents({ path, outbox, aside }: FolderFacts): readonly Finding[] {
  const about = `outbox in ${path}`;
  const found: Finding[] = [];
  if (outbox.kind === "fault") {
    const causes: Readonly<Record<string, string>> = {
      STORE_NEWER: "a later release wrote it",
      STORE_CORRUPT: "the file is damaged",
      DATA_UNREADABLE: "this user may not read it",
    };
    found.push(
      finding(`outbox-${outbox.code.toLowerCase().replaceAll("_", "-")}`, about, [
        outbox.detail,
        causes[outbox.code] ?? "the disk failed",
        outbox.code === "STORE_CORRUPT"
          ? "the next start sets it aside and begins a new one; keep the damaged file"
          : FAULTS[outbox.code as FaultCode],
      ]),
    );
  }
  if (outbox.kind === "well" && outbox.quarantined > QUARANTINE_MAX)
    found.push(
      finding("quarantine-nearly-full", about, [
        `${outbox.quarantined} messages were not understood; 10000 is all that is kept`,
        "a mapping is missing, or a device sends something else than it should",
        "`racktrace outbox quarantine` shows them and why; correct, then clear-quarantine",
      ]),
    );
  if (aside.length > 0)
    found.push(
      finding("outbox-set-aside", about, [
        `a damaged outbox was set aside: ${aside.join(", ")}`,
        "the disk or a power cut damaged it",
        "export what waits in it (runbook, STORE_CORRUPT), test the disk, then move the file away",
      ]),
    );
  return found;
}
