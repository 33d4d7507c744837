/**
 * Pixels to what a scanner would have sent: AIM identifier and data, byte for byte. The settings here
 * are those of the camera and of the test that measures how much is read.
 *
 * ZXing decides, also where the browser has a detector of its own: that one does not tell which symbol
 * it was, so that a GS1 label could not be told from another.
 */

import { prepareZXingModule, type ReaderOptions, readBarcodes } from "zxing-wasm/reader";
import { LOOKS, type Pixels } from "./looks.ts";

export const DECODER_SETTINGS: ReaderOptions = {
  formats: [
    "DataMatrix",
    "Code128",
    "QRCode",
    "EAN13",
    "EAN8",
    "DataBar",
    "DataBarExp",
    "ITF",
    "Code39",
  ],
  tryHarder: true,
  tryRotate: true,
  tryInvert: false,
  tryDownscale: true,
  tryDenoise: true,
  maxNumberOfSymbols: 4,
  minLineCount: 2,
};

export type Seen = {
  /** A byte a character. */
  readonly text: string;
  /** Of the picture's centre; who holds the camera aims at what is meant. */
  readonly distance: number;
};

/** `wasm`: where the decoder is, or the decoder itself. */
export function prepareDecoder(wasm: string | ArrayBuffer): Promise<unknown> {
  return prepareZXingModule({
    overrides: typeof wasm === "string" ? { locateFile: () => wasm } : { wasmBinary: wasm },
    fireImmediately: true,
  });
}

type Picture = Parameters<typeof readBarcodes>[0];

/** So many pictures of a label that lies still are looked at in every way that there is. */
export const PICTURES_FOR_ALL_LOOKS = LOOKS.length;

/** Nearest to the centre first. `nth` counts pictures: what the first look does not show, one other may. */
export async function decodePicture(pixels: Pixels, nth: number): Promise<readonly Seen[]> {
  const asIs = await decodePixels(pixels);
  const look = LOOKS[nth % LOOKS.length];
  return asIs.length > 0 || look === undefined ? asIs : decodePixels(look(pixels));
}

async function decodePixels(pixels: Pixels): Promise<readonly Seen[]> {
  const results = await readBarcodes(pixels as Picture, DECODER_SETTINGS);
  return results
    .filter(({ isValid, bytes }) => isValid && bytes.length > 0)
    .map(({ symbologyIdentifier, bytes, position }) => {
      const { topLeft, bottomRight } = position;
      const x = (topLeft.x + bottomRight.x) / 2 - pixels.width / 2;
      const y = (topLeft.y + bottomRight.y) / 2 - pixels.height / 2;
      const data = String.fromCharCode(...bytes);
      return { text: symbologyIdentifier + data, distance: Math.hypot(x, y) };
    })
    .sort((a, b) => a.distance - b.distance);
}
