/**
 * What the twin acknowledged, as it was heard outside of it, and whether its files keep it. The evidence
 * is opened as the twin opens it; what follows from it is caught up by the twin's own writer thread.
 */
import { join } from "node:path";
import { startThread } from "../../../src/io/thread.ts";
import { damageOf } from "../../../src/store/damage.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../../src/store/evidence.ts";
import { createWriter } from "../../../src/twin/writer.ts";
import { eventOf, GATEWAY } from "./evidence-payload.ts";

export type EvidenceClaims = {
  hear(line: string): void;
  accepted(): number;
  refused(): number;
  brokenIn(folder: string): readonly string[];
  /** Starts the writer on these files; resolves once all that is in the evidence is derived. */
  catchUp(folder: string): Promise<readonly string[]>;
};

export function createEvidenceClaims(): EvidenceClaims {
  const through = new Map<string, number>();
  let refused = 0;
  return {
    hear(text) {
      for (const line of text.split("\n")) {
        const [what, epoch = "", number] = line.split(" ");
        if (what === "A") through.set(epoch, Math.max(through.get(epoch) ?? 0, Number(number)));
        if (what === "N") refused += 1;
      }
    },
    accepted: () => [...through.values()].reduce((sum, one) => sum + one, 0),
    refused: () => refused,
    brokenIn(folder) {
      const path = join(folder, "evidence.db");
      const db = openDatabase(path, evidenceSchema, "durable");
      try {
        const damage = damageOf(db);
        if (damage !== undefined) return [`the evidence is damaged: ${damage}`];
        const evidence = openEvidence(db, path);
        const held = new Map<string, Map<number, number>>();
        const broken: string[] = [];
        for (const { batch } of evidence.from(1)) {
          if (batch.gateway !== GATEWAY) continue;
          const seqs = held.get(batch.epoch) ?? new Map<number, number>();
          held.set(batch.epoch, seqs);
          for (const [at, bytes] of batch.events.entries()) {
            const seq = batch.firstSeq + at;
            seqs.set(seq, (seqs.get(seq) ?? 0) + 1);
            if (Buffer.compare(bytes, eventOf(batch.epoch, seq)) !== 0)
              broken.push(`${batch.epoch} ${seq} is not as it was`);
          }
        }
        for (const [epoch, last] of through) {
          const seqs = held.get(epoch);
          for (let seq = 1; seq <= last; seq++)
            if (seqs?.get(seq) !== 1)
              broken.push(
                `${epoch} ${seq} was acknowledged and is there ${seqs?.get(seq) ?? 0} times`,
              );
        }
        return broken;
      } finally {
        db.close();
      }
    },
    async catchUp(folder) {
      const worker = new URL("../../../src/cli/twin-worker.ts", import.meta.url);
      const thread = startThread(worker, { folder, log: "silent", policies: {}, masterData: [] });
      const writer = createWriter({ thread, onNews: () => undefined, onAck: () => undefined });
      const ended = writer.ended.catch(() => undefined);
      try {
        await writer.ready;
        const { latest, reflected } = writer.standing();
        await writer.close();
        return latest === reflected ? [] : [`${latest} in evidence, ${reflected} derived`];
      } catch (error) {
        return [`the twin does not start: ${(error as Error).message}`];
      } finally {
        await ended;
      }
    },
  };
}
