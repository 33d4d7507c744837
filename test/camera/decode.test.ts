/**
 * How much of the agreed corpus the page's decoder reads, and how much a decoder that others wrote does
 * on the same pictures: dmtxread for DataMatrix, zbarimg for GS1-128.
 *
 * SEEDS=10 is the whole corpus; a share of it runs each time. TESTS_CAMERA=1 prints each condition.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import bwipjs from "bwip-js/node";
import { beforeAll, describe, expect, test } from "vitest";
import type { Pixels } from "../../src/web/scan/camera/looks.ts";
import { createSight } from "../../src/web/scan/camera/sight.ts";
import { SHEET_TEXT } from "../../src/web/scan/wedge/calibration.ts";
import { wanted } from "../support/wanted.ts";
import { CONDITIONS, corpus, type Sample } from "./corpus.ts";
import { type Grey, pgm, rgba } from "./picture.ts";

/** By its address: its types would bring those of a browser in, and the tests' are those of Node. */
const DECODER: string = new URL("../../src/web/scan/camera/decoder.ts", import.meta.url).pathname;
type Decoder = {
  prepareDecoder(wasm: ArrayBuffer): Promise<unknown>;
  decodePicture(pixels: Pixels, nth: number): Promise<readonly { readonly text: string }[]>;
  readonly PICTURES_FOR_ALL_LOOKS: number;
};
let decoder: Decoder;

const SEEDS = Number(process.env["SEEDS"] ?? 1);
const WASM = new URL(
  "../../node_modules/zxing-wasm/dist/reader/zxing_reader.wasm",
  import.meta.url,
);
const RATE_MIN = 0.95;
const run = promisify(execFile);

const independent = ["dmtxread", "zbarimg"].filter(isInstalled);
const hasIndependent = wanted(
  "the camera beside an independent decoder",
  independent.length === 2,
  "apt-get install dmtx-utils zbar-tools",
);

beforeAll(async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(WASM);
  decoder = (await import(DECODER)) as Decoder;
  await decoder.prepareDecoder(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
});

describe("the camera's decoder", () => {
  test(
    `it reads at least ${RATE_MIN * 100} % of the agreed corpus, and nothing wrong`,
    async () => {
      const samples = corpus(SEEDS);
      const read = new Set<Sample>();
      const wrong: string[] = [];
      for (const sample of samples) {
        const seen = await heldStill(rgba(sample.picture()));
        if (seen?.text === sample.sent) read.add(sample);
        else if (seen !== undefined) wrong.push(`${seen.text} for ${sample.sent}`);
      }
      tell("ours (zxing-wasm, the settings of the page)", samples, read);
      expect(wrong).toEqual([]);
      expect(read.size / samples.length).toBeGreaterThanOrEqual(RATE_MIN);
    },
    SEEDS * 150_000,
  );

  test.skipIf(!hasIndependent)(
    "others read the same pictures, and agree on what is on them",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "racktrace-camera-"));
      const samples = corpus(SEEDS);
      const read = new Set<Sample>();
      const wrong: string[] = [];
      for (const sample of samples) {
        const said = await others(sample, sample.picture(), join(folder, "picture.pgm"));
        if (said === sample.sent.slice(3)) read.add(sample);
        else if (said !== "") wrong.push(`${said} for ${sample.sent}`);
      }
      rmSync(folder, { recursive: true, force: true });
      tell("independent (dmtxread, zbarimg)", samples, read);
      expect(wrong).toEqual([]);
      expect(read.size / samples.length).toBeGreaterThan(0.5);
    },
    SEEDS * 300_000,
  );

  test("an empty shelf has nothing on it", async () => {
    const data = new Uint8Array(640 * 480).fill(180);
    expect(await heldStill(rgba({ data, width: 640, height: 480 }))).toBeUndefined();
  });

  test("the calibration sheet holds what the page expects of it", async () => {
    const svg = readFileSync(
      new URL("../../src/web/public/wedge-sheet.svg", import.meta.url),
      "utf8",
    );
    const drawn = (text: string) => {
      const escaped = [...text].map((one) => `^${String(one.charCodeAt(0)).padStart(3, "0")}`);
      const look = { scale: 2, paddingwidth: 6, paddingheight: 6, backgroundcolor: "ffffff" };
      return bwipjs.toSVG({ bcid: "datamatrix", text: escaped.join(""), parse: true, ...look });
    };
    const path = (of: string) => /<path d="([^"]+)"/.exec(of)?.[1];
    expect(path(svg)).toBe(path(drawn(SHEET_TEXT)));
  });
});

test("a label that lies in view is read once, and again when it has been out of sight", () => {
  const sight = createSight(1_500);
  const at = (ms: number, ...texts: string[]) => sight.look(texts, ms);
  expect(at(0, "a")).toEqual(["a"]);
  expect(at(1_000, "a")).toEqual([]);
  expect(at(2_400, "a")).toEqual([]);
  expect(at(3_000, "b", "b")).toEqual(["b"]);
  expect(at(4_000, "a")).toEqual(["a"]);
});

/** As the camera does while somebody holds it on a label: picture after picture, one more look at each. */
async function heldStill(pixels: Pixels): Promise<{ readonly text: string } | undefined> {
  for (let nth = 0; nth < decoder.PICTURES_FOR_ALL_LOOKS; nth++) {
    const [seen] = await decoder.decodePicture(pixels, nth);
    if (seen !== undefined) return seen;
  }
  return undefined;
}

async function others({ label }: Sample, picture: Grey, file: string): Promise<string> {
  writeFileSync(file, pgm(picture));
  if (label.symbology === "gs1datamatrix") {
    const said = await outputOf("dmtxread", ["-N1", "-m2000", "-G29", file]);
    return said.replaceAll("\u001d", "").trim();
  }
  const said = await outputOf("zbarimg", ["-q", "--raw", "-Sdisable", "-Scode128.enable", file]);
  return said.replaceAll("\u001d", "").trim();
}

/** A decoder that finds nothing ends with a status of its own, and says nothing. */
async function outputOf(program: string, words: readonly string[]): Promise<string> {
  try {
    return (await run(program, [...words], { encoding: "latin1", timeout: 20_000 })).stdout;
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? "");
  }
}

function tell(who: string, samples: readonly Sample[], read: ReadonlySet<Sample>): void {
  const rate = (some: readonly Sample[]) => {
    const good = some.filter((sample) => read.has(sample)).length;
    return `${good} of ${some.length} (${((100 * good) / some.length).toFixed(1)} %)`;
  };
  process.stderr.write(`camera corpus, ${who}: ${rate(samples)}\n`);
  if (process.env["TESTS_CAMERA"] === undefined) return;
  for (const { name } of CONDITIONS)
    for (const symbology of ["gs1datamatrix", "gs1-128"]) {
      const some = samples.filter(
        ({ condition, label }) => condition === name && label.symbology === symbology,
      );
      process.stderr.write(`  ${name}, ${symbology}: ${rate(some)}\n`);
    }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync("which", [program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
