/** A line that somebody can spoil: a TCP proxy that delays, cuts, resets and goes silent when it is told. */
import { connect, createServer, type Socket } from "node:net";

export type LineFault = "reset" | "half-open" | "delay" | "truncate";

export type Proxy = {
  readonly port: number;
  /** Where it leads to; may change. */
  leadTo(port: number): void;
  /** Does something to every connection that is open now; resolves when that is over. */
  spoil(fault: LineFault, ms: number): Promise<void>;
  /** No connection is let in, and none lives, until `open`. */
  shut(): void;
  open(): void;
  close(): void;
};

type Pair = {
  readonly device: Socket;
  readonly host: Socket;
  delayMs: number;
  isSilent: boolean;
  cutAt: number;
};

export async function openProxy(): Promise<Proxy> {
  const pairs = new Set<Pair>();
  let target = 0;
  let isShut = false;

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (device) => {
    if (isShut || target === 0) return void device.destroy();
    const host = connect({ port: target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const pair: Pair = { device, host, delayMs: 0, isSilent: false, cutAt: -1 };
    pairs.add(pair);
    carry(pair, device, host);
    carry(pair, host, device);
  });

  function carry(pair: Pair, from: Socket, to: Socket): void {
    let last = Promise.resolve();
    from.on("error", () => end(pair));
    from.on("close", () => end(pair));
    from.on("end", () => void (pair.isSilent || to.end()));
    from.on("data", (bytes) => {
      if (pair.isSilent) return;
      if (pair.cutAt >= 0) {
        to.write(bytes.subarray(0, pair.cutAt % (bytes.length + 1)), () => end(pair));
        pair.isSilent = true;
        return;
      }
      if (pair.delayMs === 0) return void to.write(bytes);
      const { delayMs } = pair;
      // In order, however the delay changes.
      last = last
        .then(() => new Promise((resolve) => setTimeout(resolve, delayMs)))
        .then(() => void (to.destroyed || to.write(bytes)));
    });
  }

  function end(pair: Pair, reset = false): void {
    if (!pairs.delete(pair)) return;
    for (const socket of [pair.device, pair.host])
      if (reset) socket.resetAndDestroy();
      else socket.destroy();
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    leadTo(port) {
      target = port;
    },
    async spoil(fault, ms) {
      const now = [...pairs];
      if (fault === "reset") for (const pair of now) end(pair, true);
      for (const pair of now) {
        if (fault === "half-open") pair.isSilent = true;
        if (fault === "truncate") pair.cutAt = Math.floor(ms);
        if (fault === "delay") pair.delayMs = ms / 4;
      }
      await new Promise((resolve) => setTimeout(resolve, ms));
      for (const pair of now) {
        if (fault === "half-open" || fault === "truncate") end(pair, true);
        // What is delayed still goes out in order before what comes now.
        if (fault === "delay") pair.delayMs = Math.min(pair.delayMs, 1);
      }
    },
    shut() {
      isShut = true;
      for (const pair of [...pairs]) end(pair, true);
    },
    open() {
      isShut = false;
    },
    close() {
      for (const pair of [...pairs]) end(pair);
      server.close();
    },
  };
}
