/** What was learned of the keyboard scanner at this device, kept in this browser. */
import { USUAL, type WedgeSetting } from "./reading.ts";

const NAME = "racktrace.wedge";

export function wedgeSetting(): WedgeSetting {
  try {
    const kept: Partial<WedgeSetting> = JSON.parse(localStorage.getItem(NAME) ?? "{}");
    return { ...USUAL, ...kept };
  } catch {
    return USUAL;
  }
}

/** Returns whether it is kept. */
export function keepWedgeSetting(setting: WedgeSetting): boolean {
  try {
    localStorage.setItem(NAME, JSON.stringify(setting));
    return true;
  } catch {
    return false;
  }
}
