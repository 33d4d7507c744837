/** A network between a browser and the twin that can be cut at any moment, also in mid-answer. */
import { connect, createServer, type Socket } from "node:net";

export type CutLine = {
  readonly url: string;
  /** Every connection ends now, and none is taken. */
  cut(): void;
  heal(): void;
  /** The next so many answers to a POST are lost on the way: it was heard, and nobody knows. */
  loseAnswers(count: number): void;
  close(): Promise<void>;
};

export async function openCutLine(target: string): Promise<CutLine> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let up = true;
  let losing = 0;
  const server = createServer((near) => {
    if (!up) return void near.destroy();
    const far = connect(Number(port), hostname);
    let posted = false;
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (bytes.subarray(0, 5).toString("latin1") === "POST ") posted = true;
      else if (/^(GET|HEAD) /.test(bytes.subarray(0, 5).toString("latin1"))) posted = false;
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (posted && losing > 0) {
        losing -= 1;
        near.destroy();
      } else near.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as { port: number };
  function cut(): void {
    up = false;
    for (const socket of sockets) socket.destroy();
  }
  return {
    url: `http://127.0.0.1:${own}`,
    cut,
    heal() {
      up = true;
    },
    loseAnswers(count) {
      losing = count;
    },
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
