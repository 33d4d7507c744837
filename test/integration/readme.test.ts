/** The README's commands do what it says, run as it writes them. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { tokenIn } from "../support/programs.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

test("npm start brings up a living warehouse, answers the README's questions, and ends on Ctrl-C", {
  timeout: 120_000,
}, async () => {
  const [start = ""] = commands().filter((line) => line.startsWith("npm start"));
  const folder = temporaryFolder();
  const demo = spawn("sh", ["-c", `exec ${start} -- --data '${folder}'`], {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => demo.once("close", resolve));
  try {
    const url = await pageAddress(demo);
    expect(await (await fetch(url)).text()).toContain("<html");
    const token = tokenIn(join(folder, "twin"));
    const page = await aFiledPage(url, token);

    for (const command of commands().filter((line) => line.includes("racktrace -- "))) {
      if (command.includes(" tail")) continue;
      const asked = await run(command.replace("(253)9521234000013N00001P01", page), url, token);
      expect({ command, ...asked }).toMatchObject({ code: 0, stderr: "" });
      expect(asked.stdout).not.toBe("");
    }
  } finally {
    process.kill(-(demo.pid ?? 0), "SIGINT");
  }
  expect([0, null, 130]).toContain(await ended);
});

test("CI runs the README's test command", () => {
  const [testCommand = ""] = commands().filter((line) => line.startsWith("npm test"));
  const ci = readFileSync(new URL("../../.ci/run", import.meta.url), "utf8").split("\n");
  expect(ci).toContain(testCommand);
});

test("every file that the README names is there", () => {
  const named = [...README.matchAll(/`((?:src|test|deploy|firmware-sim)\/[\w./-]+\.\w+)`/g)];
  for (const [, path = ""] of named)
    expect(() => readFileSync(new URL(`../../${path}`, import.meta.url))).not.toThrow();
});

/** The command lines of the README's shell blocks, without their comments. */
function commands(): string[] {
  const blocks = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
}

async function pageAddress(demo: ReturnType<typeof spawn>): Promise<string> {
  if (demo.stdout === null) throw new Error("the demo has no standard output");
  const said: string[] = [];
  demo.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  for await (const line of createInterface({ input: demo.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`no address was printed:\n${said.join("")}`);
}

/** Some page that the simulator has filed down to a shelf. */
async function aFiledPage(url: string, token: string): Promise<string> {
  let found = "";
  await until(
    "a page is filed in folder, shelf, rack, room and site",
    async () => {
      const answer = await fetch(`${url}api/v1/search?q=N0&limit=50`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { results = [] } = (await answer.json()) as { results?: Result[] };
      found = results.find(({ path }) => path.length >= 5)?.elementString ?? "";
      return found !== "";
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
  return found;
}

type Result = { readonly elementString: string; readonly path: readonly unknown[] };

function run(
  command: string,
  twin: string,
  token: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", command], {
      cwd: ROOT,
      env: {
        ...process.env,
        RACKTRACE_TWIN: twin,
        RACKTRACE_TOKEN: token,
        npm_config_loglevel: "silent",
      },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
