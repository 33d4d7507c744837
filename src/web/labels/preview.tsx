/** A sheet as it will be printed, drawn by the twin: what is seen here is what comes out. */
import { useState } from "preact/hooks";
import { useAnswer, useLast } from "../ask.ts";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { Refused, Unreachable } from "../parts/notice.tsx";
import { type Carrier, type Onto, preview, type What } from "./label-answers.ts";

export function Preview({
  what,
  carrier,
  onto,
}: {
  readonly what: What;
  readonly carrier: Carrier;
  readonly onto: Onto;
}) {
  const of = JSON.stringify([what, carrier, onto]);
  const [turned, setTurned] = useState({ of, sheet: 0 });
  const sheet = turned.of === of ? turned.sheet : 0;
  const asked = useAnswer(`${of} ${sheet}`, () => preview(what, carrier, onto, sheet));
  const shown = useLast(asked.value);
  if (asked.refused) return <Refused refusal={asked.refused} title={words.labels.cannot} />;
  if (shown === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  const { svg, sheets, labels, page } = shown;
  const said = words.labels.counted(labels, sheets);
  return (
    <figure class="labels-preview">
      <img
        src={`data:image/svg+xml,${encodeURIComponent(svg)}`}
        alt={words.labels.previewOf(sheet + 1, sheets)}
        width={page.width}
        height={page.height}
      />
      <figcaption>
        <span aria-live="polite">{said}</span>
        {sheets > 1 && (
          <span class="labels-turn">
            <button
              type="button"
              class="button"
              aria-label={words.labels.before}
              disabled={sheet === 0}
              onClick={() => setTurned({ of, sheet: sheet - 1 })}
            >
              <Sign name="back" />
            </button>
            {words.labels.previewOf(sheet + 1, sheets)}
            <button
              type="button"
              class="button"
              aria-label={words.labels.after}
              disabled={sheet + 1 >= sheets}
              onClick={() => setTurned({ of, sheet: sheet + 1 })}
            >
              <Sign name="forward" />
            </button>
          </span>
        )}
      </figcaption>
    </figure>
  );
}
