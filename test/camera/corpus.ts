/**
 * The agreed corpus: what a phone may be asked to read at a shelf. Each condition is one that a hand, a
 * lamp and a cheap camera make every day, and the last ones are several of them at once.
 *
 * 14 conditions × 3 labels × SEEDS pictures of 800 × 600, each with keys of its own. A DataMatrix module
 * is 5 pixels, a bar of a GS1-128 2.2. What is not in it: a label so far out of focus that its modules
 * run into each other (half a module and more), torn or smeared print, and glare.
 */
import { type Condition, createPrng, type Grey, type Label, photograph } from "./picture.ts";

export const CONDITIONS: readonly Condition[] = [
  { name: "clean" },
  { name: "blur of 0.3 modules", blur: 0.3 },
  { name: "blur of 0.4 modules", blur: 0.4 },
  { name: "turned by 12°", turnDeg: 12 },
  { name: "upside down", turnDeg: 180 },
  { name: "upright", turnDeg: 90 },
  { name: "tilted by 20°", tiltDeg: 20 },
  { name: "tilted by 35°", tiltDeg: 35 },
  { name: "noise of 12", noise: 12 },
  { name: "noise of 25", noise: 25 },
  { name: "contrast of 35 %", contrast: 0.35 },
  { name: "contrast of 20 %", contrast: 0.2 },
  { name: "shadow over half of the light", shadow: 0.5 },
  {
    ...{ name: "a bit of everything", blur: 0.35, turnDeg: 7, tiltDeg: 12 },
    ...{ noise: 8, contrast: 0.5, shadow: 0.3 },
  },
];

const KINDS = ["page", "folder", "shelf"] as const;

export type Sample = {
  readonly condition: string;
  readonly label: Label;
  /** What a scanner sends for it, AIM identifier and all. */
  readonly sent: string;
  readonly picture: () => Grey;
};

export function corpus(seeds: number): readonly Sample[] {
  return CONDITIONS.flatMap((condition, c) =>
    KINDS.flatMap((kind, k) =>
      Array.from({ length: seeds }, (_, seed) => {
        const n = c * 1_000 + k * 100 + seed;
        const label = labelOf(kind, n);
        const data = label.text.replaceAll(/[()]/g, "");
        const sent = `${label.symbology === "gs1-128" ? "]C1" : "]d2"}${data}`;
        const picture = () => photograph(label, condition, createPrng(n + 1));
        return { condition: condition.name, label, sent, picture };
      }),
    ),
  );
}

function labelOf(kind: (typeof KINDS)[number], n: number): Label {
  const number = String(n).padStart(5, "0");
  switch (kind) {
    case "page":
      return { symbology: "gs1datamatrix", text: `(253)9521234000013N${number}P01` };
    case "folder":
      return { symbology: "gs1datamatrix", text: `(8003)09521234005001F${number}` };
    case "shelf":
      return { symbology: "gs1-128", text: `(414)9521234001003(254)S${number}` };
  }
}
