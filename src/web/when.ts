/** Instants as people read them: local time of the reader, 24 hours, and how long ago. */

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_YEAR = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
});
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/** "14:02:11" today, "3 Mar, 14:02:11" this year, "3 Mar 2025, 14:02:11" else. */
export function instantWord(iso: string, nowMs: number): string {
  const date = new Date(iso);
  const now = new Date(nowMs);
  const time = TIME.format(date);
  if (date.toDateString() === now.toDateString()) return time;
  const day = date.getFullYear() === now.getFullYear() ? DAY : DAY_YEAR;
  return `${day.format(date)}, ${time}`;
}

/** For a tooltip: the whole instant with its zone, and UTC as the twin keeps it. */
export function instantInFull(iso: string): string {
  return `${FULL.format(new Date(iso))} (${iso})`;
}

/** "now", "12 s", "3 min", "2 h", "4 d". */
export function spanWord(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1_000);
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** How long something lasted: a span that is over has no "now". */
export function lastedWord(ms: number): string {
  return ms < 1_000 ? "a moment" : ms < 2_000 ? "1 s" : spanWord(ms);
}

export function agoWord(iso: string, nowMs: number): string {
  const word = spanWord(nowMs - Date.parse(iso));
  return word === "now" ? "just now" : `${word} ago`;
}

/** The value of an `<input type="datetime-local" step="1">`: local time without a zone. */
export function toLocalInput(ms: number): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Undefined when the input is empty or not yet a date. */
export function fromLocalInput(value: string): string | undefined {
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
