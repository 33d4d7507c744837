/**
 * Composes who may ask the twin: its file, its guard and its routes; and the two secrets that lie in
 * the data folder for whoever may read it, 0600.
 *
 *   local-token      for commands on this machine; another one at each start, gone after a stop
 *   first-login.txt  the administrator that the first start made; gone once the password is changed
 */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RouteRow } from "../io/http-server.ts";
import { secrets } from "../io/secrets.ts";
import type { Clock, Journal } from "../ports.ts";
import { openAccess } from "../store/access.ts";
import { openAccessLog } from "../store/access-log.ts";
import { createAccess } from "../twin/access.ts";
import { createAccessRecord } from "../twin/access-record.ts";
import type { TwinConfig } from "../twin/config-schema.ts";
import { createLogins } from "../twin/logins.ts";
import { createPeople, FIRST_NAME, mintPassword } from "../twin/people.ts";
import { registerAccessRoutes } from "../twin/routes/access.ts";
import type { HttpApp, Principal } from "../twin/routes/app.ts";
import { createGuard, type Guard } from "../twin/routes/guard.ts";
import { ACCESS_FILE, FIRST_LOGIN_FILE, LOCAL_TOKEN_FILE } from "./twin-files.ts";

export type TwinAccess = {
  readonly guard: Guard;
  /** Calls `end` once this principal may no longer ask. Returns a cancel. */
  readonly watch: (principal: Principal, end: () => void) => () => void;
  readonly tally: () => Readonly<Record<string, number>>;
  register(app: HttpApp, table: readonly RouteRow[]): void;
  close(): void;
};

const MINUTE_MS = 60_000;

export async function openTwinAccess(
  deps: { readonly clock: Clock; readonly journal: Journal },
  folder: string,
  { host, origins = [], sessions }: TwinConfig["http"],
): Promise<TwinAccess> {
  const { clock, journal } = deps;
  const idleMs = sessions.idleMinutes * MINUTE_MS;
  const sessionMs = sessions.hours * 60 * MINUTE_MS;
  const firstLogin = join(folder, FIRST_LOGIN_FILE);
  const localToken = join(folder, LOCAL_TOKEN_FILE);

  const store = openAccess(join(folder, ACCESS_FILE));
  const log = openAccessLog(store.db);
  const access = createAccess({ clock, secrets, store }, { idleMs, sessionMs });
  const record = createAccessRecord({ clock, log });
  const logins = createLogins({ clock, journal, secrets, store });
  const people = createPeople({
    ...{ clock, secrets, store, access, logins },
    onPassword(name) {
      if (name === FIRST_NAME) rmSync(firstLogin, { force: true });
    },
  });

  if (people.all().length === 0) {
    const password = mintPassword(secrets);
    // First the file: a user whose password nobody knows would stay.
    writeSecret(firstLogin, `name: ${FIRST_NAME}\npassword: ${password}\n`);
    await people.add({ name: FIRST_NAME, person: FIRST_NAME, role: "administrator", password });
    journal.note("first-login-made", { user: FIRST_NAME, file: firstLogin });
  }
  writeSecret(localToken, `${access.localToken}\n`);

  return {
    guard: createGuard({ access, record }, { host, origins }),
    watch: access.watch,
    tally: () => ({ ...logins.tally(), refused: record.refusals() }),
    register(app, table) {
      registerAccessRoutes(
        app,
        { access, logins, people, store, log, record, secrets, clock, table },
        { sessionMs, origins },
      );
    },
    close() {
      rmSync(localToken, { force: true });
      access.close();
      record.write();
      store.close();
    },
  };
}

/** Nobody else can read it at any moment, whatever was there before. */
function writeSecret(path: string, text: string): void {
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, text, { mode: 0o600, flag: "wx" });
  renameSync(`${path}.new`, path);
}
