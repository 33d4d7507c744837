/**
 * Scanning at the shelf, with the camera or with a scanner that acts as a keyboard, with a network or
 * without. No scan needs a tap, and none is shown as saved before the twin has it.
 */
import { useEffect, useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { CameraView } from "../scan/camera-view.tsx";
import { DeviceSheet } from "../scan/device-sheet.tsx";
import { Hand } from "../scan/hand.tsx";
import { usePhone, useSignals, useStorage, useWedge } from "../scan/hooks.ts";
import { Modes } from "../scan/modes.tsx";
import type { Phone } from "../scan/phone.ts";
import { ScanList } from "../scan/scan-list.tsx";
import { SendMark } from "../scan/send-mark.tsx";
import { TypedCode } from "../scan/typed-code.tsx";
import type { Calibration } from "../scan/wedge/calibration.ts";
import { calibrate } from "../scan/wedge/calibration.ts";
import { readingOf } from "../scan/wedge/reading.ts";
import { keepWedgeSetting, wedgeSetting } from "../scan/wedge/setting.ts";

export function ScanPage({ phone }: { readonly phone: Phone }) {
  const state = usePhone(phone);
  const storage = useStorage();
  const [sound, setSound] = useState(true);
  const [wedge, setWedge] = useState(wedgeSetting);
  const [calibration, setCalibration] = useState<Calibration | "awaited">();
  useSignals(phone, sound);
  useEffect(() => {
    document.title = `${words.scan.title} · racktrace`;
  }, []);

  useWedge((strokes) => {
    if (calibration !== "awaited") return phone.read(readingOf(strokes, wedge), "wedge");
    const learned = calibrate(strokes);
    setCalibration(learned);
    if (learned.kind === "learned") change({ ...wedge, layout: learned.layout });
  });

  function change(next: typeof wedge): void {
    setWedge(next);
    keepWedgeSetting(next);
  }

  return (
    <div class="work scan">
      <h1>{words.scan.title}</h1>
      <Modes record={state.record} onCommand={(command) => phone.read(command, "button")} />
      <SendMark state={state} onSite={phone.chooseSite} />
      <Hand record={state.record} hand={state.hand} />
      <CameraView onScan={(text) => phone.read(text, "camera")} />
      <div class="scan-acts">
        <button type="button" onClick={() => phone.read("CMD:UNDO", "button")}>
          <Sign name="undo" /> {words.scan.undo}
        </button>
        <button type="button" aria-pressed={sound} onClick={() => setSound(!sound)}>
          {words.scan.sound}
        </button>
      </div>
      <ScanList scans={state.scans} />
      <TypedCode onScan={(text) => phone.read(text, "typed")} />
      <DeviceSheet
        record={state.record}
        storage={storage}
        wedge={wedge}
        calibration={calibration}
        onWedge={change}
        onCalibrate={() => setCalibration("awaited")}
        onLeave={() => setCalibration(undefined)}
      />
    </div>
  );
}
