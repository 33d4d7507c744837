/**
 * Who did what at the twin's HTTP door: logins, writes, changes of access, and refusals.
 *
 * What was done, what is done all day and what was refused each keep their newest rows, of each role by
 * itself: neither a flood of refusals nor twenty phones that scan drive out another deed, and nobody who may
 * little drives out a deed of an administrator. It holds no secret, and no name that the twin does not know:
 * people type passwords where names belong.
 */
import type { Database } from "./database.ts";

/** `often`: done by route and role so frequently that it has rows of its own. */
export type AccessKind = "done" | "often" | "refused";

export type AccessEntry = {
  readonly atMs: number;
  readonly kind: AccessKind;
  /** A user's or a token's name; empty when nobody was recognised. */
  readonly who: string;
  readonly role: string;
  readonly address: string;
  /** Method and route, or what happened: `POST /api/v1/voids`, `login`. */
  readonly what: string;
  /** Of the answer. */
  readonly status: number;
};

/** For whoever reads it, what is done often is done. */
export type AccessRow = Omit<AccessEntry, "kind"> & {
  readonly kind: Exclude<AccessKind, "often">;
  readonly n: number;
  readonly times: number;
};

export type AccessLog = {
  /** In one commit: on stable storage when it returns. */
  append(entries: readonly (AccessEntry & { readonly times: number })[]): void;
  /** The newest first, before the row of that number. */
  list(limit: number, before: number | undefined, who: string | undefined): readonly AccessRow[];
};

/** Of each role. */
export const ACCESS_ROWS_MAX = { done: 100_000, often: 100_000, refused: 10_000 } as const;

const ROW =
  "n, at_ms AS atMs, iif(kind = 'often', 'done', kind) AS kind, who, role, address, what, status, times";

export function openAccessLog(
  db: Database,
  rowsMax: Readonly<Record<AccessKind, number>> = ACCESS_ROWS_MAX,
): AccessLog {
  const insert = db.prepare(
    `INSERT INTO access_log (at_ms, kind, who, role, address, what, status, times)
     VALUES (@atMs, @kind, @who, @role, @address, @what, @status, @times)`,
  );
  const trim = db.prepare<[{ kind: string; role: string; rowsMax: number }]>(
    `DELETE FROM access_log WHERE kind = @kind AND role = @role AND n <=
       (SELECT n FROM access_log WHERE kind = @kind AND role = @role
         ORDER BY n DESC LIMIT 1 OFFSET @rowsMax)`,
  );
  const list = db.prepare<[number, string, string, number], AccessRow>(
    `SELECT ${ROW} FROM access_log WHERE n < ? AND (? = '' OR who = ?) ORDER BY n DESC LIMIT ?`,
  );
  const append = db.transaction((entries: readonly AccessEntry[]) => {
    for (const entry of entries) insert.run(entry);
    const trimmed = new Map(entries.map((entry) => [`${entry.kind} ${entry.role}`, entry]));
    for (const { kind, role } of trimmed.values()) trim.run({ kind, role, rowsMax: rowsMax[kind] });
  });

  return {
    append: (entries) => void append.immediate(entries),
    list: (limit, before = Number.MAX_SAFE_INTEGER, who = "") => list.all(before, who, who, limit),
  };
}
