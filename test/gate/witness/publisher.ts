/** A device that publishes a number of its own each time, QoS 1, and goes on where it was cut off. */
import mqtt from "mqtt";
import { pause } from "../gate.ts";

export type Publisher = {
  /** Stops, and resolves once all that was sent is acknowledged. */
  finish(): Promise<void>;
};

export type PublisherOptions = {
  readonly url: string;
  readonly name: string;
  /** Numbers are counted from here. */
  readonly first: number;
  readonly inFlightMax: number;
  readonly paceMs: number;
};

export function startPublisher(
  accepted: (value: number) => void,
  { url, name, first, inFlightMax, paceMs }: PublisherOptions,
): Publisher {
  const client = mqtt.connect(url, { clientId: name, clean: false, reconnectPeriod: 50 });
  client.on("error", () => {});
  const flying = new Set<Promise<void>>();
  let going = true;

  async function publish(): Promise<void> {
    for (let value = first; going; value++) {
      const flight = client.publishAsync(`load/${name}/count`, String(value), { qos: 1 }).then(
        () => accepted(value),
        // Never acknowledged: nobody promised anything.
        () => undefined,
      );
      flying.add(flight);
      void flight.finally(() => flying.delete(flight));
      if (flying.size >= inFlightMax) await Promise.race(flying);
      await pause(paceMs);
    }
    await Promise.all(flying);
  }

  const done = publish();
  return {
    async finish() {
      going = false;
      await done;
      await client.endAsync();
    },
  };
}
