/**
 * What becomes of readings that are put together, and who hears of it: the deliveries that brought them, and
 * each repetition that came while they were on their way to disk.
 */
import type { Taken } from "../ports.ts";

export type Answer = (ticket: number, taken: Taken) => void;

export type Fate = {
  is: "flying" | "stored" | "refused";
  /** Readings that share it, repetitions included. */
  readings: number;
  answers: Answer[];
  tickets: number[];
};

export function createFate(): Fate {
  return { is: "flying", readings: 0, answers: [], tickets: [] };
}

export const STORED: Fate = { ...createFate(), is: "stored" };

/** Only of one that is flying: it answers when it has landed. */
export function hearOf(fate: Fate, answer: Answer, ticket: number, readings: number): void {
  fate.readings += readings;
  fate.answers.push(answer);
  fate.tickets.push(ticket);
}

export function land(fate: Fate, taken: Taken): void {
  const { answers, tickets } = fate;
  fate.is = taken.ok ? "stored" : "refused";
  // It may be remembered for a day.
  fate.answers = [];
  fate.tickets = [];
  answers.forEach((answer, at) => {
    answer(tickets[at] as number, taken);
  });
}
