/** `racktrace gateway key`: the key by which this gateway's events are known, to compare by telephone. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { readSigningKey } from "../io/signing-key.ts";
import { Fault } from "../kernel/fault.ts";
import { fingerprintOf } from "../wire/chain.ts";
import { loadGatewayConfig } from "./gateway-config.ts";

type Options = { readonly config?: string; readonly data?: string };

export function defineKey(gateway: Command): void {
  gateway
    .command("key")
    .description("the fingerprint of the key that signs this gateway's events")
    .exitOverride()
    .option("--config <FILE>", "the gateway's configuration")
    .option("--data <DIR>", "the gateway's data folder")
    .action((_options, self: Command) => {
      const { config, data } = self.optsWithGlobals<Options>();
      const named = config === undefined ? { gateway: "gw" } : {};
      const folder = resolve(data ?? loadGatewayConfig(config, named).data);
      const key = readSigningKey(folder);
      if (key === undefined)
        throw new Fault(
          "DATA_UNREADABLE",
          `${folder}: no key is there. Name the gateway's --config; the key is made at its first start`,
        );
      process.stdout.write(`${fingerprintOf(key.publicKey)}\n`);
    });
}
