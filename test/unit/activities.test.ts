/** What ends and begins when the configuration changes, and when the gateway stops in the middle of that. */
import { expect, test } from "vitest";
import { startActivities } from "../../src/gateway/activities.ts";
import { rest } from "../support/pretended-clock.ts";

test("whoever stops while the configuration changes waits for what is leaving, and begins nothing", async () => {
  const told: string[] = [];
  const ends = new Map<string, () => void>();
  const group = startActivities(
    ({ id }: { readonly id: string }) => {
      told.push(`${id} begins`);
      const ended = new Promise<void>((resolve) => ends.set(id, resolve));
      return { ended, close: async (why: string) => void told.push(`${id} is ${why}`) };
    },
    [{ id: "leaves" }],
    () => undefined,
  );

  const changing = group.become([{ id: "joins" }]);
  const stopping = group.stop().then(() => told.push("stopped"));
  await rest();
  ends.get("leaves")?.();
  const begin = await changing;
  expect(begin()).toEqual({ started: [], stopped: ["leaves"] });
  await stopping;
  expect(told).toEqual(["leaves begins", "leaves is removed", "stopped"]);
});
