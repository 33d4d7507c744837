/** Cuts a stream of text into server-sent events (HTML standard, section 9.2.6). Pure, and bounded. */
const EVENT_CHARACTERS_MAX = 1_000_000;

export type StreamEvent = { readonly id: string; readonly name: string; readonly data: string };

/** Feed it what arrives; it returns the events that are complete. Comments and retry times are not. */
export function createEventCutter(): (text: string) => readonly StreamEvent[] {
  let held = "";
  return (text) => {
    const blocks = (held + text).split(/\r?\n\r?\n/);
    held = blocks.pop() ?? "";
    if (held.length > EVENT_CHARACTERS_MAX) held = "";
    return blocks.flatMap(eventOf);
  };
}

function eventOf(block: string): readonly StreamEvent[] {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, field = "", value = ""] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    const more = field === "data" && fields.has(field) ? `${fields.get(field)}\n` : "";
    if (field !== "") fields.set(field, more + value);
  }
  const data = fields.get("data");
  if (data === undefined) return [];
  return [{ id: fields.get("id") ?? "", name: fields.get("event") ?? "message", data }];
}
