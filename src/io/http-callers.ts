/**
 * Who is at the other end of the HTTP port: by the socket, and where a proxy that is trusted is in between, by
 * what it says. And how many sockets one of them may hold, and how long, so that a few do not take all there are.
 */
import { BlockList, isIP, isIPv6, type Server, type Socket } from "node:net";
import { neighbourhood } from "../kernel/neighbourhood.ts";

/** Pages hold six, and a stream. */
export const SOCKETS_PER_NEIGHBOUR = 128;

/** How often Node looks whose request takes too long: every 30 s if it is not told, whatever the limit is. */
export const CONNECTIONS_CHECKED_MS = 1_000;

/** `proxies`: addresses, or networks such as 10.0.0.0/24. */
export function createProxyList(proxies: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = "", bits] = proxy.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  // A header may name anything for an address. An IPv4 one within IPv6 is found among the IPv4 ones.
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** This machine's own programs, and proxies, through which everybody comes, may hold any number. */
export function boundSockets(
  server: Server,
  most: number,
  isProxy: (address: string) => boolean,
): void {
  const held = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const { remoteAddress = "" } = socket;
    const from = neighbourhood(remoteAddress);
    if (OWN.has(from) || isProxy(remoteAddress)) return;
    const count = held.get(from) ?? 0;
    if (count >= most) {
      socket.destroy();
      return;
    }
    held.set(from, count + 1);
    socket.once("close", () => {
      const left = (held.get(from) ?? 1) - 1;
      if (left === 0) held.delete(from);
      else held.set(from, left);
    });
  });
}

const OWN: ReadonlySet<string> = new Set([neighbourhood("127.0.0.1"), neighbourhood("::1")]);
