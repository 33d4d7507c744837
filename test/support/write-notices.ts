/**
 * `npm run -s notices`: whose work racktrace is shipped with, and on which terms, for who passes it on. Each
 * package that the program needs, with its version, its licence, and the licence's text where it brings one.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

type Locked = { readonly version: string; readonly dev?: boolean; readonly license?: string };

const root = new URL("../../", import.meta.url).pathname;
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const locked = Object.entries<Locked>(lock.packages).filter(
  ([path, { dev }]) => path !== "" && dev !== true && existsSync(join(root, path)),
);

for (const [path, { version, license }] of locked) {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const texts = readdirSync(join(root, path)).filter((file) =>
    /^(licen[cs]e|copying|notice)/i.test(file),
  );
  const title = `${name} ${version} (${license ?? "see below"})`;
  process.stdout.write(`${title}\n${"=".repeat(title.length)}\n\n`);
  for (const file of texts)
    process.stdout.write(`${readFileSync(join(root, path, file), "utf8").trim()}\n\n`);
}
