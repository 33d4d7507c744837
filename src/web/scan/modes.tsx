/** What the next scans are for, and what is scanned first. Choosing is a command like a scanned one. */
import { words } from "../language/spoken.ts";
import { Choices } from "../parts/choices.tsx";
import type { PhoneRecord } from "./queue.ts";
import type { Order } from "./told.ts";

const ORDERS: readonly Order[] = ["item-first", "container-first"];
/** In these the order of scanning means something. */
const ORDERED: ReadonlySet<string> = new Set(["storing", "packing", "dispensing"]);

export function Modes({
  record: { step, order },
  onCommand,
}: {
  readonly record: PhoneRecord;
  readonly onCommand: (command: string) => void;
}) {
  return (
    <div class="scan-modes">
      <label class="scan-step">
        <span>{words.scan.step}</span>
        <select
          value={step}
          onChange={({ currentTarget }) => {
            onCommand(`CMD:STEP:${currentTarget.value}`);
            // With the focus, a list takes the first characters of a scan for a search in it.
            currentTarget.blur();
          }}
        >
          {Object.entries(words.scan.steps).map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </label>
      {ORDERED.has(step) && (
        <Choices
          label={words.scan.order}
          all={ORDERS.map((value) => ({ value, word: words.scan.orders[value] }))}
          chosen={order}
          onChoose={(value) => onCommand(`CMD:ORDER:${value}`)}
        />
      )}
    </div>
  );
}
