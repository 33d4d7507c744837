/**
 * The vendors' conventions at work: which one reads a topic, and what they remember from one message
 * to the next. The conventions are pure; their memory is beside this, and it has a limit.
 *
 * The memory lives as long as the process, across changes of the configuration. Devices send again what
 * it holds: discovery messages when they connect, births when they are asked.
 */
import { type DecoderSetting, type Meaning, unclear } from "../devices/decoders/convention.ts";
import { compileDecoders } from "../devices/decoders/decoders.ts";
import { NAME_CHARS_MAX, short } from "../devices/decoders/names.ts";
import { deviceProblem, type Reading } from "../devices/mqtt-mapping/mapping.ts";
import { createMemories, type Memories } from "./memories.ts";

export type Conventions = {
  owns(topic: string): boolean;
  /** `text` is undefined when the bytes are not UTF-8. */
  read(message: {
    readonly topic: string;
    readonly bytes: Uint8Array;
    readonly text: string | undefined;
    readonly atMs: number;
  }): Meaning;
};

/** Conventions of a new configuration go on with the memories of those before. */
export function createConventions(
  settings: readonly DecoderSetting[],
  { recall, keep }: Memories = createMemories(),
): Conventions {
  const decoders = compileDecoders(settings);

  return {
    owns: (topic) => decoders.find(topic, recall) !== undefined,
    read(message) {
      const decode = decoders.find(message.topic, recall);
      if (decode === undefined) return unclear("no convention reads the topic");
      const meaning = decode(message, recall);
      for (const [key, memory] of meaning.remember) keep(key, memory);
      return withFitNames(named(meaning));
    },
  };
}

/** A device's name comes from what anybody may send. */
function named(meaning: Meaning): Meaning {
  if (!meaning.ok) return meaning;
  for (const { device } of [...meaning.reports, ...meaning.news]) {
    const problem = deviceProblem(device);
    if (problem !== undefined) return unclear(problem, { ask: meaning.ask });
  }
  return meaning;
}

/** What a value is called may come from there, too. */
function withFitNames(meaning: Meaning): Meaning {
  if (!meaning.ok) return meaning;
  const unfit = meaning.reports.flatMap(({ readings }) => readings.filter(isUnfit));
  if (unfit.length === 0) return meaning;
  const reports = meaning.reports
    .map((report) => ({ ...report, readings: report.readings.filter((one) => !isUnfit(one)) }))
    .filter(({ readings }) => readings.length > 0);
  const reasons = unfit.map(
    ({ property }) => `the name "${short(property)}" is longer than ${NAME_CHARS_MAX} characters`,
  );
  return { ...meaning, reports, unread: [...meaning.unread, ...reasons] };
}

function isUnfit({ property }: Reading): boolean {
  return property.length > NAME_CHARS_MAX;
}
