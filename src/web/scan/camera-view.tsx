/** The picture of the camera while it reads. It is asked for by a tap, as browsers want it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { Notice } from "../parts/notice.tsx";
import { type Camera, type CameraFault, openCamera } from "./camera/camera.ts";

export function CameraView({ onScan }: { readonly onScan: (text: string) => void }) {
  const [on, setOn] = useState(false);
  const [fault, setFault] = useState<CameraFault>();
  return (
    <section class="scan-camera" aria-label={words.scan.camera}>
      {on && (
        <Picture
          onScan={onScan}
          onFault={(why) => {
            setFault(why);
            setOn(false);
          }}
        />
      )}
      <button
        type="button"
        class="button"
        aria-pressed={on}
        onClick={() => {
          setFault(undefined);
          setOn(!on);
        }}
      >
        <Sign name="find" /> {on ? words.scan.cameraOff : words.scan.cameraOn}
      </button>
      {fault !== undefined && (
        <Notice tone="warn" title={words.scan.cameraFaults[fault]}>
          <p>{words.scan.cameraNext}</p>
        </Notice>
      )}
    </section>
  );
}

function Picture({
  onScan,
  onFault,
}: {
  readonly onScan: (text: string) => void;
  readonly onFault: (fault: CameraFault) => void;
}) {
  const video = useRef<HTMLVideoElement>(null);
  const deps = useRef({ onScan, onFault });
  deps.current = { onScan, onFault };
  const [camera, setCamera] = useState<Camera>();
  const [lit, setLit] = useState(false);

  useEffect(() => {
    if (video.current === null) return;
    let closed = false;
    let opened: Camera | undefined;
    void openCamera({
      video: video.current,
      onScan: (text) => deps.current.onScan(text),
      onFault: (fault) => deps.current.onFault(fault),
    }).then((ready) => {
      opened = ready;
      if (closed) ready?.close();
      else setCamera(ready);
    });
    return () => {
      closed = true;
      opened?.close();
    };
  }, []);

  return (
    <div class="scan-picture">
      <video ref={video} playsInline muted aria-label={words.scan.camera} />
      <span class="scan-aim" aria-hidden="true" />
      {camera !== undefined && camera.lamp() !== "none" && (
        <button
          type="button"
          class="button"
          aria-pressed={lit}
          onClick={() => void camera.shine(!lit).then(() => setLit(!lit))}
        >
          {words.scan.lamp}
        </button>
      )}
    </div>
  );
}
