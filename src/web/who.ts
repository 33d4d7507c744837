/** Who works at this page, as they said last: what people state is recorded under their name. */
const NAME = "racktrace.who";

export function lastWho(): string {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    // A browser that keeps nothing asks again.
    return "";
  }
}

export function rememberWho(who: string): void {
  try {
    localStorage.setItem(NAME, who);
  } catch {
    // As above.
  }
}
