/** The events an answer rests on, named as the twin names them. */
import type { Evidence } from "../api.ts";
import { useNow } from "../ask.ts";
import { Instant } from "../parts/instant.tsx";
import { countWord, plural } from "../words.ts";

export function EvidenceList({ evidence }: { readonly evidence: readonly Evidence[] }) {
  const now = useNow(60_000);
  if (evidence.length === 0) return null;
  return (
    <details class="evidence">
      <summary>Evidence: {plural(evidence.length, "event")}</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Gateway</th>
              <th scope="col">Epoch</th>
              <th scope="col" class="number">
                Seq
              </th>
              <th scope="col" class="number">
                Position
              </th>
            </tr>
          </thead>
          <tbody>
            {evidence.map(({ gateway, epoch, seq, position, time }) => (
              <tr key={`${gateway} ${epoch} ${seq}`}>
                <td>
                  <Instant at={time} now={now} />
                </td>
                <td class="mono">{gateway}</td>
                <td class="mono" title={epoch}>
                  {epoch.slice(0, 8)}
                </td>
                <td class="mono number">{countWord(seq)}</td>
                <td class="mono number">{countWord(position)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
