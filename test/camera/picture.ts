/**
 * Pictures of labels as a camera takes them, drawn from the symbol alone: turned, tilted, out of focus,
 * badly lit and noisy, each by as much as is said. A seed gives the same picture for ever.
 */
import bwipjs from "bwip-js/node";

export type Label = {
  readonly symbology: "gs1datamatrix" | "gs1-128";
  /** Bracketed element string. */
  readonly text: string;
};

export type Condition = {
  readonly name: string;
  /** Pixels to a module. */
  readonly modulePx?: number;
  /** Standard deviation of the blur, in modules. */
  readonly blur?: number;
  readonly turnDeg?: number;
  /** Away from the camera. */
  readonly tiltDeg?: number;
  /** Standard deviation, of 255. */
  readonly noise?: number;
  /** Of ink on paper, of 1. */
  readonly contrast?: number;
  /** From one side of the picture to the other, of 1. */
  readonly shadow?: number;
};

export type Prng = { next(): number };

/** mulberry32. */
export function createPrng(seed: number): Prng {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

export type Grey = {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
};

const WIDTH = 800;
const HEIGHT = 600;
const QUIET = 10;
const LINEAR_HEIGHT = 40;
const SAMPLES = 2;
/** How far the camera is, in pictures' widths: the nearer, the more a tilt narrows the far side. */
const DISTANCE = 1.6;

export function photograph(label: Label, condition: Condition, prng: Prng): Grey {
  const { inked, width, height } = modulesOf(label);
  const wanted = condition.modulePx ?? (label.symbology === "gs1-128" ? 2.2 : 5);
  const modulePx = Math.min(wanted, (WIDTH * 0.96) / (width + 2 * QUIET));
  const paper = 225;
  const ink = paper - 200 * (condition.contrast ?? 1);
  const turn = radians(condition.turnDeg ?? 0);
  const tilt = radians(condition.tiltDeg ?? 0);
  const [shiftX, shiftY] = [jitter(prng, 12), jitter(prng, 12)];
  const sharp = new Float32Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      let sum = 0;
      for (let sub = 0; sub < SAMPLES * SAMPLES; sub++) {
        const px = x + ((sub % SAMPLES) + 0.5) / SAMPLES - WIDTH / 2 - shiftX;
        const py = y + (Math.floor(sub / SAMPLES) + 0.5) / SAMPLES - HEIGHT / 2 - shiftY;
        sum += isInk(px, py) ? ink : paper;
      }
      const light = 1 - (condition.shadow ?? 0) * (x / WIDTH);
      sharp[y * WIDTH + x] = (sum / SAMPLES ** 2) * light;
    }

  /** From the picture back to the label: perspective, then the turn, then modules. */
  function isInk(px: number, py: number): boolean {
    const depth = DISTANCE * WIDTH;
    const y = (py * depth) / (depth * Math.cos(tilt) - py * Math.sin(tilt));
    const x = (px * (depth + y * Math.sin(tilt))) / depth;
    const column = (x * Math.cos(turn) + y * Math.sin(turn)) / modulePx + width / 2;
    const row = (y * Math.cos(turn) - x * Math.sin(turn)) / modulePx + height / 2;
    return inked(Math.floor(column), Math.floor(row));
  }

  const soft = blurred(sharp, (condition.blur ?? 0) * modulePx);
  const data = Uint8Array.from(soft, (value) =>
    Math.max(0, Math.min(255, Math.round(value + normal(prng) * (condition.noise ?? 0)))),
  );
  return { data, width: WIDTH, height: HEIGHT };
}

function modulesOf({ symbology, text }: Label) {
  const [symbol] = bwipjs.raw({ bcid: symbology, text }) as unknown as readonly Raw[];
  if (symbol === undefined) throw new Error(`${text} has no symbol`);
  if ("pixs" in symbol) {
    const { pixs, pixx: width, pixy: height } = symbol;
    const inside = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height;
    return {
      width,
      height,
      inked: (x: number, y: number) => inside(x, y) && pixs[y * width + x] === 1,
    };
  }
  const bars = symbol.sbs.flatMap((wide, index) => Array<boolean>(wide).fill(index % 2 === 0));
  const inked = (x: number, y: number) => y >= 0 && y < LINEAR_HEIGHT && bars[x] === true;
  return { width: bars.length, height: LINEAR_HEIGHT, inked };
}

type Raw =
  | { readonly pixs: readonly number[]; readonly pixx: number; readonly pixy: number }
  | { readonly sbs: readonly number[] };

/** Gaussian, along the rows and then along the columns. */
function blurred(values: Float32Array, sigma: number): Float32Array {
  if (sigma < 0.1) return values;
  const reach = Math.ceil(sigma * 3);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, n) =>
    Math.exp(-((n - reach) ** 2) / (2 * sigma ** 2)),
  );
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const along = (from: Float32Array, step: number, length: number, at: (n: number) => number) =>
    Float32Array.from(from, (_, index) => {
      const n = at(index);
      let sum = 0;
      for (const [k, weight] of weights.entries()) {
        const other = Math.max(0, Math.min(length - 1, n + k - reach));
        sum += weight * (from[index + (other - n) * step] ?? 0);
      }
      return sum / whole;
    });
  const rows = along(values, 1, WIDTH, (index) => index % WIDTH);
  return along(rows, WIDTH, HEIGHT, (index) => Math.floor(index / WIDTH));
}

function jitter(prng: Prng, reach: number): number {
  return (prng.next() * 2 - 1) * reach;
}

/** Box and Muller. */
function normal(prng: Prng): number {
  return Math.sqrt(-2 * Math.log(1 - prng.next())) * Math.cos(2 * Math.PI * prng.next());
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** As a file that every tool reads. */
export function pgm({ data, width, height }: Grey): Uint8Array {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), data]);
}

/** As a canvas gives it to the decoder. */
export function rgba({ data, width, height }: Grey) {
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (const [index, value] of data.entries()) pixels.fill(value, index * 4, index * 4 + 3);
  return { data: pixels, width, height };
}

/** As a film for a pretended camera: each picture for a second, at ten a second. */
export function film(pictures: readonly Grey[]): Uint8Array {
  const [first] = pictures;
  if (first === undefined) throw new Error("a film has pictures");
  const { width, height } = first;
  const colour = Buffer.alloc((width * height) / 2, 128);
  const frames = pictures.flatMap(({ data }) =>
    Array.from({ length: 10 }, () => Buffer.concat([Buffer.from("FRAME\n"), data, colour])),
  );
  const head = `YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`;
  return Buffer.concat([Buffer.from(head), ...frames]);
}
