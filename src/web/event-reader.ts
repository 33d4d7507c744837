/**
 * Cuts a stream of text into server-sent events (HTML standard, section 9.2.6).
 *
 * Pure; holds less than one event between calls. An event larger than EVENT_CHARACTERS_MAX is
 * dropped, so that a broken stream cannot fill the memory.
 */
const EVENT_CHARACTERS_MAX = 1_000_000;

export type Message = { readonly id: string; readonly name: string; readonly data: string };

export type EventReader = { push(text: string): readonly Message[] };

export function createEventReader(): EventReader {
  let held = "";

  return {
    push(text) {
      const blocks = (held + text).replaceAll("\r\n", "\n").split("\n\n");
      held = blocks.pop() ?? "";
      if (held.length > EVENT_CHARACTERS_MAX) held = "";
      return blocks.flatMap(readBlock);
    },
  };
}

function readBlock(block: string): Message[] {
  let id = "";
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    // A line that starts with a colon is a comment: the twin's heartbeat.
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "id") id = value;
    else if (field === "event") name = value;
  }
  return data.length === 0 ? [] : [{ id, name, data: data.join("\n") }];
}
