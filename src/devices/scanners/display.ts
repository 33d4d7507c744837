/**
 * Messages for Datalogic scanners with a display (PowerScan M and PM with display, behind their cradle).
 *
 * A message is text and escape sequences and ends with CR. `ESC [ 2 J` clears the display, `ESC E` begins
 * the next row; the normal font has four rows of sixteen characters, and what is written beyond the end of
 * a row is lost. `ESC [ n q` sounds and lights.
 *
 * Source: Datalogic PowerScan PRG, Message Formatting (cursor, font, clearing, LED and beeper control).
 */
const ROWS = 4;
const COLUMNS = 16;

export const TONE = {
  high: "\x1b[0q",
  longLow: "\x1b[2q",
  good: "\x1b[3q",
  notSent: "\x1b[4q",
} as const;

export const LAMP = {
  green: { on: "\x1b[6q", off: "\x1b[7q" },
  red: { on: "\x1b[8q", off: "\x1b[9q" },
} as const;

const CLEAR = "\x1b[2J";
const NEXT_ROW = "\x1bE";

/** Each paragraph begins a row; what does not fit is left out. */
export function displayMessage(paragraphs: readonly string[]): string {
  const rows = paragraphs.flatMap((text) => wrap(text.replaceAll(/[^ -~]/g, "?")));
  return CLEAR + rows.slice(0, ROWS).join(NEXT_ROW);
}

export function isPrintable(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

/** At spaces where there are some. */
function wrap(text: string): readonly string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(" ").flatMap(pieces)) {
    const longer = row === "" ? word : `${row} ${word}`;
    if (longer.length <= COLUMNS) row = longer;
    else {
      rows.push(row);
      row = word;
    }
  }
  return row === "" ? rows : [...rows, row];
}

function pieces(word: string): readonly string[] {
  return word.match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? [];
}
