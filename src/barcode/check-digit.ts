/**
 * Check digits. Callers pass digits only; anything else gives a digit that means nothing.
 */

/** GS1 mod 10, weights 3 and 1 from the right: the digit that belongs behind `text[from, to)`. */
export function mod10(text: string, from: number, to: number): number {
  let sum = 0;
  let weight = 3;
  for (let i = to - 1; i >= from; i--) {
    sum += weight * (text.charCodeAt(i) - 48);
    weight = 4 - weight;
  }
  return (10 - (sum % 10)) % 10;
}

/** `digits` and the check digit behind them. */
export function withCheckDigit(digits: string): string {
  return digits + mod10(digits, 0, digits.length);
}

const S10_WEIGHTS = [8, 6, 4, 2, 3, 5, 9, 7] as const;

/** UPU S10: the digit behind the eight digits of a postal item number. */
export function s10(digits: string): number {
  let sum = 0;
  for (const [i, weight] of S10_WEIGHTS.entries()) sum += weight * (digits.charCodeAt(i) - 48);
  const check = 11 - (sum % 11);
  return check === 10 ? 0 : check === 11 ? 5 : check;
}
