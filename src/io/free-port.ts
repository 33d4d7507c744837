/** Finds a TCP port on loopback: the usual one, or any free one when it is taken. */
import { createServer } from "node:net";

export async function freePort(usual: number): Promise<number> {
  return (await probe(usual)) ?? (await probe(0)) ?? usual;
}

function probe(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" ? address?.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
