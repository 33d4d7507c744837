/**
 * One connection for each client id: who comes under the name of another takes its place [MQTT-3.1.4-2], also
 * where several come at once.
 *
 * aedes ends the one before, and puts the newcomer in its place when that has ended. To whom comes in between it
 * says at once that it has: then two are there under one name, and what ends is taken from the list for the
 * other, whose own end is told to nobody (lib/client.js, lib/handlers/connect.js).
 */
import type { Aedes, Client } from "aedes";

type Registering = {
  readonly clients: Readonly<Record<string, Client | undefined>>;
  registerClient(client: Client): void;
  unregisterClient(client: Client): void;
  _finishRegisterClient(client: Client): void;
};

export function takeOverInTurn(broker: Aedes): void {
  const registering = broker as unknown as Registering;
  const { clients } = registering;
  const register = registering.registerClient.bind(broker);
  const unregister = registering.unregisterClient.bind(broker);
  const finish = registering._finishRegisterClient.bind(broker);

  registering.registerClient = (client) => {
    if (clients[client.id]?.closed) setImmediate(registering.registerClient, client);
    else register(client);
  };
  // It may have gone while it waited.
  registering._finishRegisterClient = (client) => {
    if (!client.closed) finish(client);
  };
  registering.unregisterClient = (client) => {
    if (clients[client.id] === client) unregister(client);
  };
}
