/** What a discrepancy or a statement is about, with its address if it has one. */
import { shownScan } from "../barcode-text.ts";
import { itemAddress } from "../route.ts";
import { isKey, serialOf } from "../thing.ts";

export function Subject({ subject }: { readonly subject: string }) {
  if (!isKey(subject)) return <span class="mono">{shownScan(subject)}</span>;
  return (
    <a class="mono" href={itemAddress(subject)} title={subject}>
      {serialOf(subject)}
    </a>
  );
}
