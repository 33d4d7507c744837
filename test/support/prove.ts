/** Proves a file of evidence, as `racktrace verify` does. */
import { openReader } from "../../src/store/database.ts";
import { openProofSource, type Period } from "../../src/store/proof-source.ts";
import { createProofs, type Proven } from "../../src/twin/proof.ts";

export function proveFile(
  path: string,
  period: Period = {},
  known?: { readonly seq: number; readonly link: Uint8Array },
): readonly Proven[] {
  const db = openReader(path);
  try {
    const source = openProofSource(db);
    const proofOf = createProofs(source.signers());
    return source.parts(period).map(({ numbering, items }) => {
      const proof = proofOf({ ...numbering, known });
      for (const item of items) proof.take(item);
      return proof.end();
    });
  } finally {
    db.close();
  }
}
