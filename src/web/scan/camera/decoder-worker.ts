/**
 * Entry of the decoder's thread. Only this script may compile WebAssembly: the twin serves it with a
 * policy of its own, and the page's stays as strict as it is.
 *
 * A picture in, what is on it out; the next one is sent when the answer is there, so that nothing piles
 * up on a slow phone. The browser's own detector, where there is one, says at once that there is
 * nothing to decode, or where: then only that part is.
 */
import wasm from "zxing-wasm/reader/zxing_reader.wasm?url";
import { decodePicture, prepareDecoder, type Seen } from "./decoder.ts";

export type FromDecoder = { readonly seen: readonly Seen[] } | { readonly fault: string };

const thread = globalThis as unknown as {
  postMessage(message: FromDecoder): void;
  onmessage: (event: MessageEvent<ImageBitmap>) => void;
};

type Detector = {
  detect(image: ImageBitmap): Promise<readonly { readonly boundingBox: DOMRectReadOnly }[]>;
};
const NATIVE = (
  globalThis as unknown as {
    BarcodeDetector?: new (options: { formats: readonly string[] }) => Detector;
  }
).BarcodeDetector;

/** Where the detector sees nothing ZXing looks at each so many pictures: it sees what others do not. */
const LOOK_ALL_THE_SAME = 3;
const MARGIN = 0.25;

const ready = prepareDecoder(wasm);
const detector = native();
let pictures = 0;

thread.onmessage = ({ data: picture }) => {
  void decode(picture).then(
    (seen) => thread.postMessage({ seen }),
    (error: unknown) => thread.postMessage({ fault: String(error) }),
  );
};

async function decode(picture: ImageBitmap): Promise<readonly Seen[]> {
  await ready;
  pictures += 1;
  try {
    const boxes = await detector?.detect(picture).catch(() => undefined);
    const [box] = boxes ?? [];
    if (box !== undefined) {
      const seen = await decodePicture(pixelsOf(picture, box.boundingBox), pictures);
      if (seen.length > 0) return seen;
    }
    const skip = boxes?.length === 0 && pictures % LOOK_ALL_THE_SAME !== 0;
    return skip ? [] : await decodePicture(pixelsOf(picture), pictures);
  } finally {
    picture.close();
  }
}

/** Of one part, with the quiet zone around it. */
function pixelsOf(picture: ImageBitmap, part?: DOMRectReadOnly): ImageData {
  const margin = part === undefined ? 0 : Math.max(part.width, part.height) * MARGIN;
  const left = Math.max(0, Math.floor((part?.x ?? 0) - margin));
  const top = Math.max(0, Math.floor((part?.y ?? 0) - margin));
  const right = Math.min(picture.width, Math.ceil((part?.right ?? picture.width) + margin));
  const bottom = Math.min(picture.height, Math.ceil((part?.bottom ?? picture.height) + margin));
  const [width, height] = [Math.max(1, right - left), Math.max(1, bottom - top)];
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("no canvas");
  context.drawImage(picture, -left, -top);
  return context.getImageData(0, 0, width, height);
}

function native(): Detector | undefined {
  try {
    return NATIVE && new NATIVE({ formats: ["data_matrix", "code_128", "qr_code", "ean_13"] });
  } catch {
    return undefined;
  }
}
