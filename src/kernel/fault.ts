/**
 * What can go wrong outside our code, and what the person on call does about it.
 *
 * A code is part of the product: it is what people search for, so it is never reused or renamed.
 * deploy/runbook.md lists the same codes; a test compares both ways.
 */
export const FAULTS = {
  CONFIG_UNREADABLE: "Check that the file exists and that this user may read it.",
  CONFIG_INVALID:
    "Correct what is named; of a configuration `--check` shows every problem at once.",
  DATA_UNREADABLE: "Check the path that is named, and that this user may read and write there.",
  DATA_IN_USE: "Another racktrace holds this data folder. Stop it first, or name another folder.",
  STORE_NEWER: "This database was written by a later release. Install it, or restore a backup.",
  STORE_CORRUPT:
    "The program whose file it is sets it aside when it starts, and begins a new one. Keep the damaged file: the runbook (STORE_CORRUPT) says what can be read out of it.",
  EVIDENCE_CORRUPT:
    "Nothing was changed. Keep the file, restore evidence.db from a backup, and start again; gateways send what the backup lacks if they still have it.",
  LIST_CORRUPT:
    "Nothing was replaced. Keep the file, put a copy of it from a backup in its place, and start again. Without one the runbook (LIST_CORRUPT) says what is lost when it is moved away.",
  KEY_DAMAGED:
    "Nothing was replaced. Put a copy of the file in its place if there is one; the runbook (KEY_DAMAGED) says for each file what to do without. A gateway is enrolled again.",
  FILE_DAMAGED:
    "The file was cut short, altered, or is another one. Copy it again from where it was made, or make it again there.",
  BACKLOG_REFUSED:
    "What stands before it in the file was taken in. The gateway still has what did not have to make way there; the reason says what to do.",
  STORE_WENT_BACK:
    "The disk lost what it had confirmed, or an old copy of the data folder was put back. Nothing has to be done for what is held: it is sent under new numbers. Replace the disk, and count the places that were scanned shortly before.",
  STORE_FAILED: "Check the disk: free space, file system errors, permissions.",
  SYNC_NOT_FULL: "The disk promise cannot be kept on this file system. Move the data folder.",
  PORT_TAKEN: "Another program listens there. Stop it, or configure another address.",
  SERIAL_LOST:
    "Check the cable, the device path, and that this user may open it and nobody else has. The gateway reopens the port by itself.",
  SOURCE_LOST:
    "Check the broker that devices publish to: its address, that it runs, user and password. The gateway connects again by itself; what it holds for us is not lost.",
  LINK_LOST: "Check the network to the twin. Readings wait on disk and are sent by themselves.",
  TWIN_REFUSED:
    "The twin does not accept this gateway. Its journal says why: the name, or a certificate that has expired or was revoked; `racktrace twin enrol` lets it in anew.",
  NOT_ENROLLED:
    "The twin wants to know who this gateway is. `racktrace twin enrol NAME` on the twin prints a word; give it to `racktrace gateway enrol` here.",
  INVITATION_REFUSED:
    "The twin's journal says why. An invitation is good once and for a time; `racktrace twin enrol NAME` makes another.",
  TWIN_STRANGE:
    "What answers there is not the twin that this gateway was enrolled at. Check the address; where the twin was made anew, enrol again; where the reason names a clock, set it.",
  NOT_ALLOWED:
    "Set RACKTRACE_TOKEN to a token whose role suffices (racktrace token add, on the twin's machine), or run this as a user who may read the twin's data folder.",
  TWIN_UNREACHABLE: "Check that the twin runs and that its address is right.",
} as const;

export type FaultCode = keyof typeof FAULTS;

export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly detail: string;

  constructor(code: FaultCode, detail: string, options?: { cause: unknown }) {
    super(`${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }

  /** The line for a person: what happened, and the next step. */
  get advice(): string {
    return FAULTS[this.code];
  }
}
