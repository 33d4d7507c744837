/**
 * A count by this device: its marks and the label of the place are scans like any other, so the count is
 * kept, sent and understood as one from a hand scanner, without a network too.
 */
import { useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { CameraView } from "../scan/camera-view.tsx";
import { asScanned } from "../scan/code.ts";
import { usePhone, useSignals, useWedge } from "../scan/hooks.ts";
import type { Phone } from "../scan/phone.ts";
import { SendMark } from "../scan/send-mark.tsx";
import { TypedCode } from "../scan/typed-code.tsx";
import { readingOf } from "../scan/wedge/reading.ts";
import { wedgeSetting } from "../scan/wedge/setting.ts";

export type CountHereProps = {
  readonly phone: Phone;
  /** As on the label of the place. */
  readonly label: string;
  /** So many things of the place were seen by now. */
  readonly seen: number;
};

export function CountHere({ phone, label, seen }: CountHereProps) {
  const state = usePhone(phone);
  const [counting, setCounting] = useCounting(label);
  const [setting] = useState(wedgeSetting);
  useSignals(phone, counting);
  useWedge((strokes) => {
    if (counting) phone.read(readingOf(strokes, setting), "wedge");
  });

  function mark(which: "start" | "end" | "empty"): void {
    const begins = which === "start";
    if (begins) phone.read("CMD:STEP:stock_taking", "button");
    phone.read(`CMD:COUNT:${which}`, "button");
    phone.read(asScanned(label), "button");
    // Whoever files things again tomorrow does not count.
    if (!begins) phone.read(`CMD:STEP:${stepBefore()}`, "button");
    setCounting(begins, state.record.step);
  }

  if (!counting)
    return (
      <p>
        <button type="button" class="button button-main" onClick={() => mark("start")}>
          <Sign name="count" /> {words.count.start}
        </button>
      </p>
    );
  return (
    <section class="card" aria-label={words.count.here}>
      <p>{words.count.scanNow}</p>
      <CameraView onScan={(text) => phone.read(text, "camera")} />
      <TypedCode onScan={(text) => phone.read(text, "typed")} />
      <SendMark state={state} onSite={phone.chooseSite} />
      <p class="count-acts">
        <button type="button" class="button button-main" onClick={() => mark("end")}>
          {words.count.end}
        </button>
        {seen === 0 && (
          <button type="button" class="button" onClick={() => mark("empty")}>
            {words.count.empty}
          </button>
        )}
      </p>
    </section>
  );
}

const COUNTING = "racktrace.counting";
const STEP_BEFORE = "racktrace.counting.step";

/** A page that is loaded again goes on with its count. */
function useCounting(label: string): readonly [boolean, (on: boolean, step: string) => void] {
  const [on, setOn] = useState(() => sessionStorage.getItem(COUNTING) === label);
  return [
    on,
    (next, step) => {
      if (next) sessionStorage.setItem(COUNTING, label);
      else sessionStorage.removeItem(COUNTING);
      if (next && step !== "stock_taking") sessionStorage.setItem(STEP_BEFORE, step);
      setOn(next);
    },
  ];
}

function stepBefore(): string {
  return sessionStorage.getItem(STEP_BEFORE) ?? "storing";
}
