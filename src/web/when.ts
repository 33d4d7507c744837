/** Instants as people read them: local time of the reader, 24 hours, and how long ago. */
import { words } from "./language/spoken.ts";

/** Making a format costs more than using it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatted(date: Date, options: Intl.DateTimeFormatOptions): string {
  const name = words.locale + JSON.stringify(options);
  const format = formats.get(name) ?? new Intl.DateTimeFormat(words.locale, options);
  formats.set(name, format);
  return format.format(date);
}

const TIME = { timeStyle: "medium" } as const;
const DAY = { day: "numeric", month: "short" } as const;
const DAY_YEAR = { day: "numeric", month: "short", year: "numeric" } as const;
const FULL = { dateStyle: "full", timeStyle: "long" } as const;

/**
 * "14:02:11" today, "3 Mar, 14:02:11" this year, "3 Mar 2025, 14:02:11" else. The page names its zone
 * once; what was in another, as in summer, says so itself.
 */
export function instantWord(iso: string, nowMs: number): string {
  const zone = zoneWord(Date.parse(iso));
  const word = instantWithoutZone(iso, nowMs);
  return zone === zoneWord(nowMs) ? word : `${word} ${zone}`;
}

/** "14:02:11 UTC+3": for what is read beside other records. */
export function instantWithZone(iso: string, nowMs: number): string {
  return `${instantWithoutZone(iso, nowMs)} ${zoneWord(Date.parse(iso))}`;
}

function instantWithoutZone(iso: string, nowMs: number): string {
  const date = new Date(iso);
  const time = formatted(date, TIME);
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${dayWord(iso, nowMs)}, ${time}`;
}

/** The reader's zone at a moment: "UTC", "UTC+3", "UTC−3:30". */
export function zoneWord(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  if (minutes === 0 || Number.isNaN(minutes)) return "UTC";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const parts = rest === 0 ? `${hours}` : `${hours}:${String(rest).padStart(2, "0")}`;
  return `UTC${minutes > 0 ? "+" : "\u2212"}${parts}`;
}

/** "3 Mar" this year, "3 Mar 2025" else. */
export function dayWord(iso: string, nowMs: number): string {
  const date = new Date(iso);
  const thisYear = date.getFullYear() === new Date(nowMs).getFullYear();
  return formatted(date, thisYear ? DAY : DAY_YEAR);
}

/** For a tooltip: the whole instant with its zone, and UTC as the twin keeps it. */
export function instantInFull(iso: string): string {
  return `${formatted(new Date(iso), FULL)} (${iso})`;
}

/** "now", "12 s", "3 min", "2 h", "4 d". */
export function spanWord(ms: number): string {
  const { time } = words;
  const seconds = Math.floor(Math.max(0, ms) / 1_000);
  if (seconds < 2) return time.now;
  if (seconds < 60) return time.seconds(seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return time.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return time.hours(hours);
  return time.days(Math.floor(hours / 24));
}

/** How long something lasted: a span that is over has no "now". */
export function lastedWord(ms: number): string {
  const { time } = words;
  return ms < 1_000 ? time.moment : ms < 2_000 ? time.seconds(1) : spanWord(ms);
}

export function agoWord(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  return ms < 2_000 ? words.time.justNow : words.time.ago(spanWord(ms));
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
