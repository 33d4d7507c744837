/**
 * One picture, looked at in several ways: as it is; evened out, for shadows, weak print and noise; and
 * turned, for a linear symbol that no straight line crosses whole. Pure.
 *
 * A picture that shows its label as it is costs one look. The camera takes the others one for each
 * picture in turn, so that a hard label is read a few pictures later and an easy one at once.
 */
export type Pixels = {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
};

type Look = (pixels: Pixels) => Pixels;

/** What hands do without noticing, and as much again. */
const [SLANT_DEG, TURN_DEG] = [8, 16];

export const LOOKS: readonly Look[] = [
  evened,
  sharpened,
  (pixels) => turned(sharpened(pixels), SLANT_DEG),
  (pixels) => turned(sharpened(pixels), -SLANT_DEG),
  (pixels) => turned(evened(pixels), TURN_DEG),
  (pixels) => turned(evened(pixels), -TURN_DEG),
  (pixels) => evened(drawnOut(turned(pixels, SLANT_DEG))),
  (pixels) => evened(drawnOut(turned(pixels, -SLANT_DEG))),
];

/** Of the picture's width: a few modules of any label that can be read at all. */
const AROUND = 1 / 24;
/** About a module of a label that is too far away to be sharp. */
const NEAR = 1 / 200;
const SHARPEN = 4;
const DRAWN_PX = 6;
/** How far ink and paper lie apart afterwards, in standard deviations of all that is in view. */
const SPREAD = 70;

/** Each pixel against the light around it, a little smoothed, and as strong as the print allows. */
function evened({ data, width, height }: Pixels): Pixels {
  const grey = smoothed(greyOf(data), width, height);
  const light = around(grey, width, height, Math.max(4, Math.round(width * AROUND)));
  const difference = grey.map((value, index) => value - (light[index] ?? 0));
  const power = Math.sqrt(difference.reduce((sum, value) => sum + value * value, 0) / grey.length);
  const gain = SPREAD / Math.max(power, 1);
  return { data: rgbaOf(difference.map((value) => 128 + value * gain)), width, height };
}

/** About the centre, bilinear; what was outside is paper. */
function turned({ data, width, height }: Pixels, degrees: number): Pixels {
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const grey = greyOf(data);
  const out = new Float32Array(width * height).fill(200);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const value = at(
        grey,
        width,
        height,
        dx * cos - dy * sin + width / 2,
        dx * sin + dy * cos + height / 2,
      );
      if (value !== undefined) out[y * width + x] = value;
    }
  return { data: rgbaOf(out), width, height };
}

/** Against what blur has made of the edges: each pixel further from the mean of those around it. */
function sharpened({ data, width, height }: Pixels): Pixels {
  const grey = smoothed(greyOf(data), width, height);
  const near = around(grey, width, height, Math.max(2, Math.round(width * NEAR)));
  const edges = grey.map((value, index) => value + SHARPEN * (value - (near[index] ?? 0)));
  return evened({ data: rgbaOf(edges), width, height });
}

/** Along the bars of a linear symbol that lies level: noise goes, and the bars stay. */
function drawnOut({ data, width, height }: Pixels): Pixels {
  const grey = greyOf(data);
  const out = new Float32Array(grey.length);
  for (let x = 0; x < width; x++) {
    let sum = 0;
    for (let y = -DRAWN_PX; y < height; y++) {
      if (y + DRAWN_PX < height) sum += grey[(y + DRAWN_PX) * width + x] ?? 0;
      sum -= y > DRAWN_PX ? (grey[(y - DRAWN_PX - 1) * width + x] ?? 0) : 0;
      const rows = Math.min(y + DRAWN_PX, height - 1) - Math.max(0, y - DRAWN_PX) + 1;
      if (y >= 0) out[y * width + x] = sum / rows;
    }
  }
  return { data: rgbaOf(out), width, height };
}

function at(
  grey: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
): number | undefined {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) return undefined;
  const [right, down] = [x - left, y - top];
  const from = top * width + left;
  const above = (grey[from] ?? 0) * (1 - right) + (grey[from + 1] ?? 0) * right;
  const below = (grey[from + width] ?? 0) * (1 - right) + (grey[from + width + 1] ?? 0) * right;
  return above * (1 - down) + below * down;
}

function greyOf(data: Uint8ClampedArray): Float32Array {
  const grey = new Float32Array(data.length / 4);
  for (let index = 0; index < grey.length; index++) {
    const at4 = index * 4;
    grey[index] =
      0.3 * (data[at4] ?? 0) + 0.59 * (data[at4 + 1] ?? 0) + 0.11 * (data[at4 + 2] ?? 0);
  }
  return grey;
}

function rgbaOf(grey: Float32Array): Uint8ClampedArray {
  const data = new Uint8ClampedArray(grey.length * 4);
  for (let index = 0; index < grey.length; index++) {
    data.fill(grey[index] ?? 0, index * 4, index * 4 + 3);
    data[index * 4 + 3] = 255;
  }
  return data;
}

/** A weight of 1 2 1 along both directions. */
function smoothed(grey: Float32Array, width: number, height: number): Float32Array {
  const once = (from: Float32Array, step: number, first: (index: number) => boolean) => {
    const out = new Float32Array(from.length);
    for (let index = 0; index < from.length; index++) {
      const here = from[index] ?? 0;
      const before = first(index) ? here : (from[index - step] ?? here);
      out[index] = (before + 2 * here + (from[index + step] ?? here)) / 4;
    }
    return out;
  };
  const rows = once(grey, 1, (index) => index % width === 0);
  return once(rows, width, (index) => index < width || height === 0);
}

/** The mean of a square around each pixel, by sums of all that is above and to the left. */
function around(grey: Float32Array, width: number, height: number, reach: number): Float32Array {
  const row = width + 1;
  const sums = new Float64Array(row * (height + 1));
  for (let y = 0; y < height; y++) {
    let line = 0;
    for (let x = 0; x < width; x++) {
      line += grey[y * width + x] ?? 0;
      sums[(y + 1) * row + x + 1] = (sums[y * row + x + 1] ?? 0) + line;
    }
  }
  const out = new Float32Array(grey.length);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [Math.max(0, y - reach), Math.min(height, y + reach + 1)];
    for (let x = 0; x < width; x++) {
      const [left, right] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
      const sum =
        (sums[bottom * row + right] ?? 0) -
        (sums[top * row + right] ?? 0) -
        (sums[bottom * row + left] ?? 0) +
        (sums[top * row + left] ?? 0);
      out[y * width + x] = sum / ((bottom - top) * (right - left));
    }
  }
  return out;
}
