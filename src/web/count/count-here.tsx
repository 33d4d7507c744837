/**
 * A count by this device: its marks and the label of the place are scans like any other, so the count is
 * kept, sent and understood as one from a hand scanner, without a network too. That it is under way is
 * kept with its scans: a browser that was killed goes on with it.
 *
 * There is no button that takes the last scan back: at the twin it would reach behind the count, to what
 * was filed before.
 */
import { useEffect, useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { Notice } from "../parts/notice.tsx";
import { addressOf } from "../route.ts";
import { CameraView } from "../scan/camera-view.tsx";
import { asScanned } from "../scan/code.ts";
import { usePhone, useSignals, useWedge } from "../scan/hooks.ts";
import type { Phone } from "../scan/phone.ts";
import { ScanList } from "../scan/scan-list.tsx";
import { SendMark } from "../scan/send-mark.tsx";
import { TypedCode } from "../scan/typed-code.tsx";
import { readingOf } from "../scan/wedge/reading.ts";
import { wedgeSetting } from "../scan/wedge/setting.ts";
import { notYetSaved, readSinceStart } from "./read-here.ts";

const COUNT = "stock_taking";
/** The last ones: whoever counts looks at what was just read. */
const LISTED_MAX = 8;

export type CountHereProps = {
  readonly phone: Phone;
  /** The key of the place. */
  readonly of: string;
  /** What is on its label, and what it is called; undefined while nobody could be asked. */
  readonly place: { readonly label: string; readonly name: string } | undefined;
  /** So many things of the place were seen by now. */
  readonly seen: number;
  /** Told the names of what is read here and not yet saved. */
  readonly onWaiting: (names: readonly string[]) => void;
};

export function CountHere({ phone, of, place, seen, onWaiting }: CountHereProps) {
  const state = usePhone(phone);
  const { record, scans } = state;
  const [wanted, setWanted] = useState<string>();
  const [setting] = useState(wedgeSetting);
  const running = record.step === COUNT ? record.counting : undefined;
  const counting = running?.key === of ? running : undefined;
  const read = counting === undefined ? [] : readSinceStart(scans);
  const waiting = notYetSaved(read);
  useSignals(phone, counting !== undefined);
  useWedge((strokes) => {
    if (counting !== undefined) phone.read(readingOf(strokes, setting), "wedge");
  });
  useEffect(() => onWaiting(waiting), [waiting.join("\n"), onWaiting]);

  // A second tap before the first is kept would end the count once more.
  const busy =
    wanted !== undefined && wanted !== record.step && !scans.some(({ mark }) => mark === "lost");

  function begin({ label, name }: { readonly label: string; readonly name: string }): void {
    const before = record.step === COUNT ? (record.counting?.before ?? "storing") : record.step;
    phone.read(`CMD:STEP:${COUNT}`, "button", { counting: { key: of, label, name, before } });
    phone.read("CMD:COUNT:start", "button");
    phone.read(asScanned(label), "button");
    setWanted(COUNT);
  }

  function end(mark: "end" | "empty" | undefined): void {
    if (counting === undefined) return;
    if (mark !== undefined) {
      phone.read(`CMD:COUNT:${mark}`, "button");
      phone.read(asScanned(counting.label), "button");
    }
    // Whoever files things again tomorrow does not count.
    phone.read(`CMD:STEP:${counting.before}`, "button", { counting: undefined });
    setWanted(counting.before);
  }

  if (counting === undefined)
    return (
      <>
        {running !== undefined && (
          <Notice tone="warn" title={words.count.elsewhere(running.name)}>
            <p>{words.count.elsewhereNext}</p>
            <a href={addressOf("/count", { id: running.key })}>{words.count.goOn(running.name)}</a>
          </Notice>
        )}
        {place !== undefined && (
          <p>
            <button
              type="button"
              class="button button-main"
              disabled={busy}
              onClick={() => begin(place)}
            >
              <Sign name="count" /> {words.count.start}
            </button>
          </p>
        )}
      </>
    );
  return (
    <section class="card count-here" aria-label={words.count.here}>
      <p>{words.count.scanNow}</p>
      <CameraView onScan={(text) => phone.read(text, "camera")} />
      <TypedCode onScan={(text) => phone.read(text, "typed")} />
      <SendMark state={state} onSite={phone.chooseSite} />
      <ScanList scans={read.slice(0, LISTED_MAX)} />
      <p class="count-acts">
        <button type="button" class="button button-main" disabled={busy} onClick={() => end("end")}>
          {words.count.end}
        </button>
        {seen === 0 && read.length === 0 && (
          <button type="button" class="button" disabled={busy} onClick={() => end("empty")}>
            {words.count.empty}
          </button>
        )}
        <button
          type="button"
          class="button button-quiet"
          disabled={busy}
          onClick={() => end(undefined)}
        >
          {words.count.stop}
        </button>
      </p>
    </section>
  );
}
