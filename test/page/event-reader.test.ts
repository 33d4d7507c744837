/** Server-sent events out of a stream of text. */
import { expect, test } from "vitest";
import { createEventReader } from "../../src/web/event-reader.ts";

const STREAM =
  'retry: 1000\n\nid: 7\nevent: moved\ndata: {"a":1}\n\n:\n\nid: 8\nevent: seen\ndata: one\ndata: two\n\n';
const EVENTS = [
  { id: "7", name: "moved", data: '{"a":1}' },
  { id: "8", name: "seen", data: "one\ntwo" },
];

test("events come out whole and in order wherever the stream is cut", () => {
  for (const lineEnd of ["\n", "\r\n"]) {
    const stream = STREAM.replaceAll("\n", lineEnd);
    for (let size = 1; size <= stream.length; size++) {
      const reader = createEventReader();
      const events = [];
      for (let at = 0; at < stream.length; at += size)
        events.push(...reader.push(stream.slice(at, at + size)));
      expect(events).toEqual(EVENTS);
    }
  }
});

test("comments and settings are no events", () => {
  expect(createEventReader().push(":\n\nretry: 1000\n\nid: 9\n\n")).toEqual([]);
});

test("an endless event is let go, and those after it are read", () => {
  const reader = createEventReader();
  for (let n = 0; n < 30; n++) reader.push("x".repeat(100_000));
  expect(reader.push("\n\nevent: seen\ndata: here\n\n")).toEqual([
    { id: "", name: "seen", data: "here" },
  ]);
});
