/** What the twin's two threads agree on: the files in its data folder, and what the writer is told. */
import type { TwinConfig } from "../twin/config-schema.ts";
import type { Statement } from "../twin/statements.ts";

/** Cannot be made again: back it up. */
export const EVIDENCE_FILE = "evidence.db";
/** Follows from the evidence: it may be deleted while the twin is stopped. */
export const DERIVED_FILE = "twin.db";

/** What devices shall do, and what came of it; what was stated is in the evidence, too. */
export const DIRECTIVES_FILE = "directives.db";

/** Browsers that scan, and what proves that it is they; without it each is enrolled again by itself. */
export const PHONES_FILE = "phones.db";

/** Users, tokens and sessions: back it up, or users are made anew. */
export const ACCESS_FILE = "access.db";
/** Beside address.json, readable by the owner only. */
export const LOCAL_TOKEN_FILE = "local-token";
export const FIRST_LOGIN_FILE = "first-login.txt";

/** The key that signs for gateways; with it the list of those: back them up together. */
export const AUTHORITY_FOLDER = "authority";
export const IDENTITIES_FILE = "identities.db";

/** Which numbers labels were given. Without it none is given twice that the evidence knows. */
export const LABELS_FILE = "labels.db";

export type TwinWorkerData = {
  readonly folder: string;
  readonly log: TwinConfig["log"];
  readonly policies: TwinConfig["policies"];
  readonly masterData: readonly Statement[];
};
