/**
 * The camera as a scanner: the picture goes to the decoder's thread, one at a time, and what comes out
 * is a scan once. The same label lying in view is not read again until it has been out of sight.
 */
import { after, monotonicMs } from "../../clock.ts";
import type { FromDecoder } from "./decoder-worker.ts";
import { createSight } from "./sight.ts";

export type CameraFault = "not-allowed" | "none" | "insecure" | "failed";

export type Camera = {
  /** Whether there is a lamp, and whether it shines. */
  lamp(): "none" | "off" | "on";
  shine(on: boolean): Promise<void>;
  close(): void;
};

export type CameraDeps = {
  readonly video: HTMLVideoElement;
  readonly onScan: (text: string) => void;
  readonly onFault: (fault: CameraFault) => void;
};

/** Between two pictures, for the sake of the battery. */
const PAUSE_MS = 60;
const WIDTH = 1280;

type Lamp = MediaTrackCapabilities & { readonly torch?: boolean };

/** Undefined: there is no picture; why was told. */
export async function openCamera(deps: CameraDeps): Promise<Camera | undefined> {
  const { video, onScan, onFault } = deps;
  const stream = await pictures(onFault);
  if (stream === undefined) return undefined;
  const [track] = stream.getVideoTracks();
  const worker = new Worker(new URL("./decoder-worker.ts", import.meta.url), { type: "module" });
  const sight = createSight();
  let closed = false;
  let shining = false;
  let cancelNext = () => {};
  video.srcObject = stream;
  await video.play().catch(() => {});

  worker.onmessage = ({ data }: MessageEvent<FromDecoder>) => {
    if (closed) return;
    if ("fault" in data) onFault("failed");
    else {
      // Of several labels in view the one that is aimed at is meant.
      const aimedAt = data.seen.slice(0, 1).map(({ text }) => text);
      for (const text of sight.look(aimedAt, monotonicMs())) onScan(text);
    }
    cancelNext = after(PAUSE_MS, look);
  };
  worker.onerror = () => onFault("failed");

  function look(): void {
    if (closed) return;
    createImageBitmap(video).then(
      (picture) => worker.postMessage(picture, [picture]),
      // No picture yet, or the page is hidden.
      () => {
        cancelNext = after(PAUSE_MS, look);
      },
    );
  }
  look();

  return {
    lamp() {
      const can = (track?.getCapabilities?.() as Lamp | undefined)?.torch === true;
      return can ? (shining ? "on" : "off") : "none";
    },
    async shine(on) {
      const constraint = { advanced: [{ torch: on }] } as unknown as MediaTrackConstraints;
      await track?.applyConstraints(constraint);
      shining = on;
    },
    close() {
      closed = true;
      cancelNext();
      worker.terminate();
      for (const one of stream.getTracks()) one.stop();
      video.srcObject = null;
    },
  };
}

async function pictures(onFault: CameraDeps["onFault"]): Promise<MediaStream | undefined> {
  const { mediaDevices } = navigator;
  if (mediaDevices === undefined) {
    onFault("insecure");
    return undefined;
  }
  try {
    const facing = { facingMode: { ideal: "environment" }, width: { ideal: WIDTH } };
    return await mediaDevices.getUserMedia({ audio: false, video: facing });
  } catch (error) {
    const { name } = error as DOMException;
    onFault(
      name === "NotAllowedError" ? "not-allowed" : name === "NotFoundError" ? "none" : "failed",
    );
    return undefined;
  }
}
