/**
 * What happened in the warehouse of history.ts, told in lines, in the order in which it became known.
 * A line is what a failing property prints, so a counterexample is a story as it stands:
 *
 *   08:10:00 gw-a#3 storing: add parent=FOLDER1 things=page1,page2
 *   void of: 08:10:00 gw-a#3 storing: add parent=FOLDER1 things=page1,page2
 *   register name=page5
 *   restart
 */
import { BEGIN_MS, createTwin, type Deed, type Happening, THINGS } from "./history.ts";

const NAMES = new Map(THINGS.map(([name, key]) => [key, name]));
const KEYS = new Map(THINGS.map(([name, key]) => [name, key]));

export function tell(text: string, options?: Parameters<typeof createTwin>[0]) {
  const twin = createTwin(options);
  const { answers } = twin;
  const all: Happening[] = [];
  /** What is known after each line. */
  const known: number[] = [];
  const more = (lines: string): void => {
    for (const line of lines.split("\n").map((one) => one.trim())) {
      if (line === "") continue;
      if (line === "restart") twin.restart();
      else known.push(twin.atPosition(twin.take(happeningOf(line, all), all)));
    }
  };
  more(text);
  const where = (name: string, at?: string, afterLine?: number) => {
    const key = KEYS.get(name) ?? name;
    const answer = answers.where(key, at === undefined ? undefined : ms(at), knownAfter(afterLine));
    if (!answer.ok) throw new Error(answer.detail);
    return answer;
  };
  const knownAfter = (line: number | undefined) =>
    line === undefined ? undefined : known[line - 1];
  const named = ({ kind, subject }: { kind: string; subject: string }) =>
    `${kind} ${NAMES.get(subject) ?? subject}`;

  return {
    twin,
    more,
    where,
    /** Direct parent first. */
    path: (name: string, at?: string, afterLine?: number) =>
      where(name, at, afterLine)
        .path.map(({ key }) => NAMES.get(key) ?? key)
        .join(" < "),
    open: (at = "20:00", afterLine?: number) =>
      answers
        .discrepancies(ms(at), knownAfter(afterLine))
        .open.map(named)
        .filter((one) => !one.startsWith("partial_document"))
        .sort(),
    /** Everything that was found, also what only informs. */
    found: (at = "20:00") => answers.recorded(ms(at)).map(named).sort(),
  };
}

function happeningOf(line: string, all: Happening[]): Happening {
  if (line.startsWith("void of: ")) {
    const target = happeningOf(line.slice("void of: ".length), []);
    const text = JSON.stringify(target);
    const at = all.findIndex((one) => JSON.stringify(one) === text);
    return { kind: "void", target: at === -1 ? all.push(target) - 1 : at };
  }
  const deed = /^(\S+) (gw-\w|-)#(\d+)(?:\.(\d+))? (\w*): (.*)$/.exec(line);
  if (deed === null) return fieldsOf(line) as Happening;
  const [, time = "", gateway = "", seq, part = 0, step = "", act = ""] = deed;
  const happening: Deed = {
    kind: "assert",
    order: {
      timeMs: ms(time),
      gateway: gateway === "-" ? "" : gateway,
      epoch: "e",
      seq: Number(seq),
      part: Number(part),
    },
    step,
    act: fieldsOf(act),
  };
  if (!all.some((one) => JSON.stringify(one) === JSON.stringify(happening))) all.push(happening);
  return happening;
}

function fieldsOf(text: string): Deed["act"] {
  const [kind = "", ...fields] = text.split(" ");
  const pairs = fields.map((field) => {
    const [name = "", value = ""] = field.split("=");
    return [name, parsed(name, value)] as const;
  });
  return { kind, ...Object.fromEntries(pairs) };
}

function parsed(name: string, value: string): unknown {
  if (name === "things" || name === "along") return value === "" ? [] : value.split(",");
  if (name.endsWith("Ms")) return ms(value);
  return value === "true" ? true : value === "false" ? false : value;
}

/** A time of the first day, by the clock. */
function ms(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number);
  const day = BEGIN_MS - (BEGIN_MS % 86_400_000);
  return day + ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
