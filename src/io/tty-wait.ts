/**
 * Waits until a tty may be read or written, for both at once. The binding's poller forgets what it was asked
 * before when it is asked for the other: a line that took nothing was not read any more either.
 */

/** The part of the binding's poller that is used; it is its public shape. */
export type Poller = {
  /** Asks for this one, calls back once. */
  once(event: "readable" | "writable", callback: (error: Error | null) => void): unknown;
  /** Asks for these and no others. */
  poll(events: number): void;
};

/** libuv's. */
const FLAG = { readable: 1, writable: 2 } as const;

/** Resolves with false when the line was closed or hung up. One at a time may wait for each. */
export function createTtyWait(poller: Poller): (event: keyof typeof FLAG) => Promise<boolean> {
  let wanted = 0;
  return (event) =>
    new Promise((resolve) => {
      wanted |= FLAG[event];
      poller.once(event, (error) => {
        wanted &= ~FLAG[event];
        if (error === null) poller.poll(wanted);
        resolve(error === null);
      });
      poller.poll(wanted);
    });
}
