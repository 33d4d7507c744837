/**
 * Hears a scanner that acts as a keyboard wherever the focus is, and leaves typing alone.
 *
 * It listens before everyone else. Until it is clear that a scanner types, the first few characters go
 * where they go; then a field that got them is set back, and nobody else hears the rest: no button is
 * pressed by a scan's Enter, and no shortcut of the browser opens by its Ctrl+J.
 */
import { after } from "../../clock.ts";
import { createBursts, PACE } from "./bursts.ts";
import type { Stroke } from "./stroke.ts";

export type WedgeListener = (strokes: readonly Stroke[]) => void;

/** Silence after which a scan without an end is over. */
const QUIET_MS = PACE.restMs + 50;
const LEFT_MS = 50;

/** Returns the end of listening. */
export function listenToWedge(onScan: WedgeListener): () => void {
  const bursts = createBursts();
  const stop = new AbortController();
  let before: { readonly field: Field; readonly value: string } | undefined;
  let altDigits = "";
  let cancelQuiet = () => {};

  function onKeyDown(event: KeyboardEvent): void {
    if (event.altKey && /^Numpad\d$/.test(event.code)) {
      // Alt and digits of the number block: the system types the character when Alt is let go.
      altDigits += event.code.slice(-1);
      swallow(event);
      return;
    }
    hear(strokeOf(event), event);
  }

  function onKeyUp(event: KeyboardEvent): void {
    if (event.key !== "Alt" || altDigits === "") return;
    const key = String.fromCharCode(Number(altDigits) % 256);
    altDigits = "";
    hear({ ...strokeOf(event), key, code: "", alt: false, shift: false }, event);
  }

  function hear(stroke: Stroke, event: KeyboardEvent): void {
    if (!bursts.busy()) remember(event.target, stroke);
    const heard = bursts.push(stroke, event.repeat);
    cancelQuiet();
    if (heard.kind === "typing") return;
    swallow(event);
    if (heard.kind === "scan") {
      finish(heard.strokes);
      return;
    }
    if (heard.first) takeBack();
    cancelQuiet = after(QUIET_MS, () => {
      // A page that was busy has keys in its queue that are older than this moment: they come first.
      cancelQuiet = after(LEFT_MS, () => {
        const strokes = bursts.quiet(stroke.atMs + QUIET_MS);
        if (strokes !== undefined) finish(strokes);
      });
    });
  }

  let runMs = Number.NEGATIVE_INFINITY;

  /** What the field held before the keys that may turn out to be a scanner's. */
  function remember(target: EventTarget | null, { atMs }: Stroke): void {
    const begins = atMs - runMs > PACE.gapMs;
    runMs = atMs;
    if (!begins && before !== undefined) return;
    before = isField(target) ? { field: target, value: target.value } : undefined;
  }

  function takeBack(): void {
    if (before === undefined || before.field.value === before.value) return;
    before.field.value = before.value;
    before.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function finish(strokes: readonly Stroke[]): void {
    before = undefined;
    onScan(strokes);
  }

  const options = { capture: true, signal: stop.signal };
  addEventListener("keydown", onKeyDown, options);
  addEventListener("keyup", onKeyUp, options);
  return () => {
    cancelQuiet();
    stop.abort();
  };
}

function strokeOf(event: KeyboardEvent): Stroke {
  const { code, key, ctrlKey, shiftKey, altKey, timeStamp } = event;
  const alt = altKey || event.getModifierState("AltGraph");
  return { code, key, shift: shiftKey, alt, ctrl: ctrlKey, atMs: timeStamp };
}

function swallow(event: KeyboardEvent): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}

type Field = HTMLInputElement | HTMLTextAreaElement;

function isField(target: EventTarget | null): target is Field {
  if (target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && /^(text|search|tel|url|)$/.test(target.type);
}
