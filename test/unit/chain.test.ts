/** The chain as it is written down, by a second hand: a verifier of somebody else's has to agree. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { linkThrough, origin } from "../../src/wire/chain.ts";

test("link(n) is SHA-256 over link(n-1), n in eight bytes and the event, for events of any length", () => {
  const events = [0, 1, 110, 70_000, 300_000, 5].map((size, n) => Buffer.alloc(size, n + 1));
  const firstSeq = 2 ** 32 - 2;
  let expected = Buffer.from(origin("e", 0));
  const seen: string[] = [];
  const all = events.map((event, index) => {
    const seq = Buffer.alloc(8);
    seq.writeBigUInt64BE(BigInt(firstSeq + index));
    expected = createHash("sha256").update(expected).update(seq).update(event).digest();
    return expected.toString("hex");
  });
  const head = linkThrough(origin("e", 0), firstSeq, events, (link) => {
    seen.push(Buffer.from(link).toString("hex"));
  });
  expect(seen).toEqual(all);
  expect(Buffer.from(head).toString("hex")).toBe(all.at(-1));
});
