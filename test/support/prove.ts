/** Proves a file of evidence, as `racktrace verify` does. */
import { openReader } from "../../src/store/database.ts";
import { openProofSource, type Period } from "../../src/store/proof-source.ts";
import { createNumberingProof, type Proven } from "../../src/twin/proof.ts";

export function proveFile(
  path: string,
  period: Period = {},
  known?: { readonly seq: number; readonly link: Uint8Array },
): readonly Proven[] {
  const db = openReader(path);
  try {
    const source = openProofSource(db);
    const signers = source.signers();
    return source.numberings(period).map((numbering) => {
      const proof = createNumberingProof({ ...numbering, known }, signers);
      for (const item of source.items(numbering)) proof.take(item);
      return proof.end();
    });
  } finally {
    db.close();
  }
}
