/** What discovery messages have described, by the topic that its values come under. */
import type { Entity, Memory, Recall } from "./convention.ts";

export const stateKey = (topic: string): string => `state ${topic}`;

export function entitiesUnder(topic: string, recall: Recall): readonly Entity[] {
  const memory = recall(stateKey(topic));
  return memory?.kind === "entities" ? memory.entities : [];
}

/** The memory of a state topic with the entities of `origin` replaced. */
export function withEntities(
  topic: string,
  origin: string,
  entities: readonly Entity[],
  recall: Recall,
): readonly [string, Memory | undefined] {
  const others = entitiesUnder(topic, recall).filter((entity) => entity.origin !== origin);
  const all = [...others, ...entities];
  return [stateKey(topic), all.length === 0 ? undefined : { kind: "entities", entities: all }];
}
