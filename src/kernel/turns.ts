/**
 * Who may do something costly now, of those who are not known yet: few at once, few wait, and of one
 * address fewer. Where all places are taken, the address that has most of them gives one up. Who has gone
 * meanwhile is passed over.
 */
export type Waiter = { readonly address: string; isGone(): boolean };

export type Turns = {
  /** `busy`: too many wait, or it has gone. After `now`, and only then, `done` is owed. */
  take(waiter: Waiter): Promise<"now" | "busy">;
  done(): void;
};

type Place = Waiter & { readonly answer: (turn: "now" | "busy") => void };

export function createTurns(limits: {
  readonly atOnceMax: number;
  readonly waitingMax: number;
  readonly waitingOfAddressMax: number;
}): Turns {
  let waiting: readonly Place[] = [];
  let busy = 0;

  const of = (address: string) => waiting.filter((place) => place.address === address);

  function drop(unwanted: (place: Place) => boolean): void {
    const dropped = waiting.filter(unwanted);
    waiting = waiting.filter((place) => !dropped.includes(place));
    for (const { answer } of dropped) answer("busy");
  }

  /** Whether one more of this address may wait. */
  function hasRoom(address: string): boolean {
    drop((place) => place.isGone());
    const count = of(address).length;
    if (count >= limits.waitingOfAddressMax) return false;
    if (waiting.length < limits.waitingMax) return true;
    const largest = waiting
      .map((place) => of(place.address))
      .reduce((a, b) => (b.length > a.length ? b : a));
    const last = largest.at(-1);
    if (largest.length <= count + 1) return false;
    drop((place) => place === last);
    return true;
  }

  return {
    async take({ address, isGone }) {
      if (isGone()) return "busy";
      if (busy < limits.atOnceMax) {
        busy += 1;
        return "now";
      }
      if (!hasRoom(address)) return "busy";
      return new Promise((answer) => {
        waiting = [...waiting, { address, isGone, answer }];
      });
    },
    done() {
      drop((place) => place.isGone());
      const [next, ...others] = waiting;
      waiting = others;
      // Its turn goes to the next, or back.
      if (next === undefined) busy -= 1;
      else next.answer("now");
    },
  };
}
