/**
 * Which gateways the twin knows: invitations that were given out, as digests, and each certificate that
 * was ever good, with its end. Small, and kept for ever: it is the record of who could come in. Of those
 * that follow one certificate and were never shown only the last is kept.
 *
 * The twin and the commands beside it have it open at once; `changes` tells when another one wrote.
 */
import { openList } from "./database.ts";

export type Invitation = {
  readonly name: string;
  readonly untilMs: number;
  /** The key that was certified with it; the same key may ask again, when the answer was lost. */
  readonly usedKey: string | null;
  readonly serial: string | null;
};

export type Certificate = {
  readonly serial: string;
  readonly name: string;
  readonly madeMs: number;
  readonly untilMs: number;
  readonly pem: string;
  readonly firstUsedMs: number | null;
  readonly revokedMs: number | null;
  readonly revokedWhy: string | null;
};

export type NewCertificate = Pick<Certificate, "serial" | "name" | "madeMs" | "untilMs" | "pem"> & {
  /**
   * What it was asked for with: an invitation, or the certificate before it. With an invitation comes what the
   * gateway signs with from now on, and nothing else, base64; undefined: it did not say.
   */
  readonly by:
    | { readonly digest: string; readonly signingKey: string | undefined }
    | { readonly follows: string };
  readonly key: string;
};

/** A certificate that was given out and was not shown yet. */
export type UnshownCertificate = Pick<Certificate, "madeMs" | "untilMs" | "pem"> & {
  readonly key: string;
};

export type Identities = {
  invite(invitation: {
    readonly digest: string;
    readonly name: string;
    readonly madeMs: number;
    readonly untilMs: number;
  }): void;
  invitation(digest: string): Invitation | undefined;
  /**
   * Otherwise why not. `unless` is asked when nobody else can write any more: what it says is the reason,
   * and nothing is issued.
   */
  issue(certificate: NewCertificate, unless?: () => string | undefined): true | string;
  /** What was given out to follow this one. */
  next(serial: string): UnshownCertificate | undefined;
  /** The newest of this name, where it was asked for with an invitation and is good. */
  invited(name: string): UnshownCertificate | undefined;
  /** Whether no other certificate of its name was given out after it, but for those that follow it. */
  isNewest(serial: string): boolean;
  certificate(serial: string): Certificate | undefined;
  certificates(): readonly Certificate[];
  /** It was shown at the door. The first time, it takes the place of the older ones of its name. */
  used(serial: string, atMs: number): void;
  /** All certificates and invitations of this name. Returns how many were good until now. */
  revoke(name: string, atMs: number, why: string): number;
  /** As its newest invitation was used; none: it did not say. */
  signingKeys(name: string): readonly string[];
  /** Another number whenever somebody else has written. */
  changes(): number;
  close(): void;
};

const STEPS = [
  `CREATE TABLE invitation (
     digest TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     made_ms INTEGER NOT NULL,
     until_ms INTEGER NOT NULL,
     used_key TEXT,
     serial TEXT
   ) STRICT;
   CREATE TABLE certificate (
     serial TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     made_ms INTEGER NOT NULL,
     until_ms INTEGER NOT NULL,
     pem TEXT NOT NULL,
     first_used_ms INTEGER,
     revoked_ms INTEGER,
     revoked_why TEXT
   ) STRICT;
   CREATE INDEX certificate_name ON certificate (name);`,
  `ALTER TABLE certificate ADD COLUMN follows TEXT;
   ALTER TABLE certificate ADD COLUMN key TEXT;`,
];

/** Beside the steps: a release that does not know it works on. */
const SIGNING_SCHEMA = `
  CREATE TABLE IF NOT EXISTS signing_key (
    name TEXT PRIMARY KEY, key TEXT NOT NULL, since_ms INTEGER NOT NULL) STRICT`;

const COLUMNS = `serial, name, made_ms AS madeMs, until_ms AS untilMs, pem,
  first_used_ms AS firstUsedMs, revoked_ms AS revokedMs, revoked_why AS revokedWhy`;

export function openIdentities(path: string): Identities {
  const db = openList(path, STEPS);
  db.exec(SIGNING_SCHEMA);
  const setSigning = db.prepare("INSERT OR REPLACE INTO signing_key VALUES (?, ?, ?)");
  const dropSigning = db.prepare("DELETE FROM signing_key WHERE name = ?");
  const signing = db
    .prepare<[string], string>("SELECT key FROM signing_key WHERE name = ?")
    .pluck();
  const addInvitation = db.prepare(
    `INSERT INTO invitation (digest, name, made_ms, until_ms)
     VALUES (@digest, @name, @madeMs, @untilMs)`,
  );
  const readInvitation = db.prepare<[string], Invitation>(
    `SELECT name, until_ms AS untilMs, used_key AS usedKey, serial FROM invitation WHERE digest = ?`,
  );
  const useInvitation = db.prepare(
    `UPDATE invitation SET used_key = @key, serial = @serial WHERE digest = @digest AND used_key IS NULL`,
  );
  const endInvitations = db.prepare("DELETE FROM invitation WHERE name = ? AND used_key IS NULL");
  const add = db.prepare(
    `INSERT INTO certificate (serial, name, made_ms, until_ms, pem, follows, key)
     VALUES (@serial, @name, @madeMs, @untilMs, @pem, @follows, @key)`,
  );
  const readNext = db.prepare<[string], UnshownCertificate>(
    `SELECT made_ms AS madeMs, until_ms AS untilMs, pem, key FROM certificate
     WHERE follows = ? AND first_used_ms IS NULL AND revoked_ms IS NULL`,
  );
  const readInvited = db.prepare<[string], UnshownCertificate>(
    `SELECT made_ms AS madeMs, until_ms AS untilMs, pem, key FROM certificate
     WHERE rowid = (SELECT max(rowid) FROM certificate WHERE name = ?)
       AND follows IS NULL AND key IS NOT NULL AND first_used_ms IS NULL AND revoked_ms IS NULL`,
  );
  const dropNext = db.prepare(
    "DELETE FROM certificate WHERE follows = ? AND first_used_ms IS NULL AND revoked_ms IS NULL",
  );
  // By the order of giving out, which is the order of the rows: a clock may have been put back.
  const readNewer = db.prepare<[string], object>(
    `SELECT 1 FROM certificate AS mine JOIN certificate AS other ON other.name = mine.name
     WHERE mine.serial = ? AND other.rowid > mine.rowid AND other.follows IS NOT mine.serial`,
  );
  const read = db.prepare<[string], Certificate>(
    `SELECT ${COLUMNS} FROM certificate WHERE serial = ?`,
  );
  const readAll = db.prepare<[], Certificate>(
    `SELECT ${COLUMNS} FROM certificate ORDER BY name, made_ms`,
  );
  const use = db.prepare(
    "UPDATE certificate SET first_used_ms = @atMs WHERE serial = @serial AND first_used_ms IS NULL",
  );
  const supersede = db.prepare(
    `UPDATE certificate SET revoked_ms = @atMs, revoked_why = 'another one took its place'
     WHERE revoked_ms IS NULL AND serial <> @serial
       AND name = (SELECT name FROM certificate WHERE serial = @serial)
       AND rowid < (SELECT rowid FROM certificate WHERE serial = @serial)`,
  );
  const revoke = db.prepare(
    `UPDATE certificate SET revoked_ms = @atMs, revoked_why = @why
     WHERE name = @name AND revoked_ms IS NULL`,
  );

  const issue = db.transaction(
    ({ by, ...certificate }: NewCertificate, unless?: () => string | undefined): true | string => {
      const why = unless?.();
      if (why !== undefined) return why;
      const { serial, key, name, madeMs } = certificate;
      if ("follows" in by) dropNext.run(by.follows);
      else {
        if (useInvitation.run({ digest: by.digest, key, serial }).changes === 0)
          return "this invitation has been used";
        if (by.signingKey === undefined) dropSigning.run(name);
        else setSigning.run(name, by.signingKey, madeMs);
      }
      add.run({ ...certificate, follows: "follows" in by ? by.follows : null });
      return true;
    },
  );
  const used = db.transaction((serial: string, atMs: number) => {
    if (use.run({ serial, atMs }).changes > 0) supersede.run({ serial, atMs });
  });
  const revokeAll = db.transaction((name: string, atMs: number, why: string) => {
    const invited = endInvitations.run(name).changes;
    return invited + revoke.run({ name, atMs, why }).changes;
  });

  return {
    invite: (invitation) => void addInvitation.run(invitation),
    invitation: (digest) => readInvitation.get(digest),
    issue: (certificate, unless) => issue.immediate(certificate, unless),
    next: (serial) => readNext.get(serial),
    invited: (name) => readInvited.get(name),
    isNewest: (serial) => readNewer.get(serial) === undefined,
    certificate: (serial) => read.get(serial),
    certificates: () => readAll.all(),
    used: (serial, atMs) => used.immediate(serial, atMs),
    revoke: (name, atMs, why) => revokeAll.immediate(name, atMs, why),
    signingKeys: (name) => signing.all(name),
    changes: () => db.pragma("data_version", { simple: true }) as number,
    close: () => void db.close(),
  };
}
