/**
 * What a person hears and feels while the eyes are on the shelf: a short high tone, it is kept; two low
 * ones, look here; a long one, it is not kept. Browsers play nothing before somebody has touched a key
 * or the screen; then there is silence, and the mark on the screen says the same.
 */
export type Signal = "kept" | "look" | "lost";

const TONES: Readonly<Record<Signal, readonly (readonly [hertz: number, ms: number])[]>> = {
  kept: [[1_320, 70]],
  look: [
    [330, 150],
    [262, 220],
  ],
  lost: [[196, 900]],
};

const BUZZES: Readonly<Record<Signal, readonly number[]>> = {
  kept: [40],
  look: [120, 80, 120],
  lost: [600],
};

export type Signals = { give(signal: Signal): void; close(): void };

export function openSignals(): Signals {
  let audio: AudioContext | undefined;
  let freeAt = 0;

  function play(signal: Signal): void {
    audio ??= new AudioContext();
    if (audio.state === "suspended") void audio.resume();
    let at = Math.max(audio.currentTime, freeAt);
    for (const [hertz, ms] of TONES[signal]) {
      const tone = new OscillatorNode(audio, { frequency: hertz, type: "square" });
      const volume = new GainNode(audio, { gain: 0.12 });
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      at += ms / 1000;
      tone.stop(at);
    }
    freeAt = at;
  }

  return {
    give(signal) {
      play(signal);
      navigator.vibrate?.([...BUZZES[signal]]);
    },
    close: () => void audio?.close(),
  };
}
