/** Labels asked of the real twin: numbers that are given once, sheets, and a printer that is a socket. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const SITE = "(414)9521234000105";
const ROOM = "(414)9521234001003(254)ARCH";
const RACK = "(414)9521234001003(254)R1";
const MASTER_DATA = `version: 1
places:
  - { id: "${SITE}", kind: site, name: Moscow DC }
  - { id: "${ROOM}", kind: room, name: Archive, parent: "${SITE}" }
  - { id: "${RACK}", kind: rack, name: Rack 1, parent: "${ROOM}" }
  - { id: "${RACK}-S1", kind: shelf, name: Shelf 1, parent: "${RACK}" }
assetTypes:
  - { id: "(8003)09521234005001", kind: folder }
documents:
  - { id: N00001, class: consignment-note, pages: ["(253)9521234000013N00001P01", "(253)9521234000013N00001P02"] }
things:
  - { id: "(8003)09521234005001F000002", kind: folder }
`;

const data = mkdtempSync(join(tmpdir(), "racktrace-"));
let twin: Program;
let printer: PretendedPrinter;

beforeAll(async () => {
  printer = await openPrinter();
  writeFileSync(join(data, "master-data.yaml"), MASTER_DATA);
  writeFileSync(
    join(data, "twin.yaml"),
    `version: 1
http: { host: 127.0.0.1, port: 0 }
broker: { host: 127.0.0.1, port: 0 }
data: ${JSON.stringify(data)}
masterData: ${join(data, "master-data.yaml")}
labels:
  companyPrefix: "9521234"
  pages: { type: "(253)9521234000013" }
  folders: { type: "(8003)09521234005001" }
  printers:
    - { id: desk, name: At the desk, host: 127.0.0.1, port: ${printer.port}, label: { width: 70, height: 37 } }
    - { id: gone, host: 127.0.0.1, port: 1, label: { width: 70, height: 37 } }
`,
  );
  twin = await start();
});
afterAll(async () => {
  await twin.stop();
  await printer.close();
  rmSync(data, { recursive: true, force: true });
});

const start = () => startProgram(["twin", "--config", join(data, "twin.yaml")], data);

describe("numbers of new labels", () => {
  test("go on where they ended, leave out what is known already, and are registered", async () => {
    const first = await allocate({ kind: "folder", count: 3 });
    expect(first.status).toBe(201);
    expect(namesOf(first)).toEqual(["F000001", "F000003", "F000004"]);
    const second = await allocate({ kind: "folder" });
    expect(namesOf(second)).toEqual(["F000005"]);
    expect(await deeds()).toContain(`POST /api/v1/labels/allocations ${second.body.id}`);
    const where = await asked(`where?id=${encodeURIComponent("(8003)09521234005001F000005")}`, {
      position: second.body.position,
    });
    expect(where).toMatchObject({ kind: "folder", registered: true });
    const { events } = await asked("events?limit=5000");
    const said = events.flatMap(({ statement }: { statement?: { json: string } }) =>
      statement === undefined ? [] : [JSON.parse(statement.json)],
    );
    const id = "(8003)09521234005001F000005";
    expect(said).toContainEqual({ id, kind: "folder", by: expect.stringMatching(/./) });
  });

  test("of a document are those of its pages, which it has from then on", async () => {
    const given = await allocate({
      kind: "document",
      document: "N00077",
      class: "invoice",
      count: 2,
    });
    expect(namesOf(given)).toEqual(["N00077P01", "N00077P02"]);
    const { documents } = await asked("documents?id=N00077", { position: given.body.position });
    expect(documents).toMatchObject([{ id: "N00077", class: "invoice" }]);
    const [{ pages }] = documents;
    expect(pages.map(({ elementString }: { elementString: string }) => elementString)).toEqual([
      "(253)9521234000013N00077P01",
      "(253)9521234000013N00077P02",
    ]);
    const more = await allocate({ kind: "document", document: "N00077" });
    expect(namesOf(more)).toEqual(["N00077P03"]);
  });

  test("of a document whose number no serial can have are of the pages' own series", async () => {
    const given = await allocate({ kind: "document", document: "ТТН № 15/2026", count: 2 });
    expect(namesOf(given)).toEqual(["D000001", "D000002"]);
    const { documents } = await asked(`documents?id=${encodeURIComponent("ТТН № 15/2026")}`, {
      position: given.body.position,
    });
    expect(documents[0].pages).toHaveLength(2);
  });

  test("of envelopes and badges end in their check digit", async () => {
    expect(namesOf(await allocate({ kind: "envelope", count: 2 }))).toEqual([
      "095212340000000013",
      "095212340000000020",
    ]);
    expect(namesOf(await allocate({ kind: "person", name: "Anna" }))).toEqual([
      "952123400000000017",
    ]);
  });

  test("of shelves are extensions of their rack's, and they stand in it", async () => {
    const given = await allocate({ kind: "shelf", parent: RACK, count: 2 });
    expect(namesOf(given)).toEqual(["R1-S2", "R1-S3"]);
    const where = await asked(`where?id=${encodeURIComponent(`${RACK}-S3`)}`, {
      position: given.body.position,
    });
    expect(where.path[0]).toMatchObject({ name: "Rack 1" });
  });

  test("are never shared, however many ask at once, and a key that is sent again gets the same", async () => {
    const asks = Array.from({ length: 40 }, (_, n) =>
      allocate({ kind: "page", count: 5 }, `p${n}`),
    );
    const given = await Promise.all([...asks, allocate({ kind: "page", count: 5 }, "p7")]);
    const again = given.pop();
    expect(namesOf(again)).toEqual(namesOf(given[7]));
    const all = given.flatMap(namesOf);
    expect(all).toHaveLength(200);
    expect(new Set(all).size).toBe(200);
    expect((await allocate({ kind: "page", count: 6 }, "p7")).status).toBe(422);
  });

  test("survive kill -9: nothing is given twice, and what was given is registered, whether anybody asks again or not", async () => {
    const given: string[] = [];
    for (let round = 0; round < 2; round++) {
      const running = twin;
      const asks = Array.from({ length: 10 }, (_, n) =>
        allocate({ kind: "folder", count: 5 }, `kill-${round}-${n}`).catch(() => undefined),
      );
      await asks[round];
      await running.kill();
      const answers = await Promise.all(asks);
      twin = await start();
      const { allocations } = await asked("labels/allocations?limit=1000");
      await until("all that has a number is registered", async () => {
        const keys = allocations.flatMap(keysOf);
        const known = await Promise.all(keys.map(isRegistered));
        return known.every((one) => one);
      });
      // Whoever heard nothing asks again under the same key.
      for (const [n, answer] of answers.entries()) {
        const again = await allocate({ kind: "folder", count: 5 }, `kill-${round}-${n}`);
        if (answer !== undefined) expect(namesOf(again)).toEqual(namesOf(answer));
        given.push(...namesOf(again));
      }
    }
    expect(given).toHaveLength(100);
    expect(new Set(given).size).toBe(100);
  }, 120_000);

  test("are not given where the configuration names no type", async () => {
    const { status, body } = await allocate({ kind: "box" });
    expect([status, body.detail]).toEqual([
      409,
      "No type is configured for boxes (labels.boxes.type).",
    ]);
  });
});

describe("sheets", () => {
  test("come as PDF, and say how many they are", async () => {
    const response = await post("labels/sheets", {
      document: "N00001",
      format: "a4-3x8",
      skip: 23,
    });
    expect(response.headers.get("content-type")).toBe("application/pdf");
    expect(response.headers.get("x-sheets")).toBe("2");
    expect(
      Buffer.from(await response.arrayBuffer())
        .subarray(0, 5)
        .toString(),
    ).toBe("%PDF-");
  });

  test("are shown beforehand, one at a time", async () => {
    const response = await post("labels/previews", { document: "N00001", skip: 23, sheet: 1 });
    const { svg, sheets, labels } = (await response.json()) as Record<string, unknown>;
    expect([sheets, labels]).toEqual([2, 2]);
    expect(svg).toContain("N00001P02");
    expect(svg).not.toContain("N00001P01");
  });

  test.each([
    ["which labels is not said", {}, 400, "One of ids, allocation, document and commands"],
    ["a thing has no key", { ids: ["nonsense"] }, 400, "nonsense is no key, and not known"],
    ["a document is not known", { document: "N9" }, 404, "No document N9 with pages is known"],
    ["a format is not known", { ids: [RACK], format: "a7" }, 400, "No format is called a7"],
    [
      "the symbol has no room",
      { ids: ["(253)9521234000013N00001P01"], carrier: "gs1-128", format: "a4-5x13" },
      422,
      "needs a label of 67.1 × 15.1 mm",
    ],
  ])("are refused where %s", async (_what, body, status, says) => {
    const response = await post("labels/sheets", body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { detail: string }).detail).toContain(says);
  });
});

describe("a label printer", () => {
  test("gets a label for each thing and copy, whole, and once for one key", async () => {
    const body = { document: "N00001", printer: "desk", copies: 2 };
    const sent = await post("labels/prints", body, "print-1");
    expect(sent.status).toBe(201);
    const print = await sent.json();
    expect(print).toMatchObject({ state: "sent", labels: 4, detail: "" });
    expect(await deeds()).toContain(
      `POST /api/v1/labels/prints ${(print as { id: string }).id} at desk`,
    );
    const [job = ""] = printer.jobs();
    expect(job.match(/\^XA/g)).toHaveLength(2);
    expect(job.match(/\^XZ/g)).toHaveLength(2);
    expect(job.match(/\^PQ2\n/g)).toHaveLength(2);
    expect(job).toContain("^PW560^LL296");
    expect(job).toContain("^FDN00001P02^FS");
    const again = await post("labels/prints", body, "print-1");
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ state: "sent", repeated: true });
    expect(printer.jobs()).toHaveLength(1);
  });

  test("that has no paper is not sent to, and says so", async () => {
    printer.says({ paperOut: true });
    const sent = await post("labels/prints", { ids: [RACK], printer: "desk" });
    expect(await sent.json()).toMatchObject({ state: "not-ready", detail: "no labels in it" });
    printer.says({});
    expect(printer.jobs()).toHaveLength(1);
  });

  test("that is silent about itself is sent to all the same", async () => {
    printer.says("nothing");
    const sent = await post("labels/prints", { ids: [RACK], printer: "desk" });
    expect(await sent.json()).toMatchObject({
      state: "sent",
      detail: "it does not say whether it can print",
    });
    printer.says({});
  });

  test("that breaks off in the middle may have printed some", async () => {
    printer.breaksOff(true);
    const sent = await post("labels/prints", { ids: [RACK], printer: "desk" });
    expect(await sent.json()).toMatchObject({ state: "uncertain" });
    printer.breaksOff(false);
  });

  test("that cannot be reached has printed nothing, and another one is not sent to", async () => {
    const sent = await post("labels/prints", { ids: [RACK], printer: "gone" });
    expect(await sent.json()).toMatchObject({ state: "not-reached" });
    const other = await post("labels/prints", { ids: [RACK], printer: "10.0.0.1:9100" });
    expect(other.status).toBe(404);
    const { prints } = await asked("labels/prints?limit=2");
    expect(prints.map(({ printer: name }: { printer: string }) => name)).toEqual(["gone", "desk"]);
  });

  test("gets one job at a time", async () => {
    const before = printer.jobs().length;
    const jobs = Array.from({ length: 6 }, () =>
      post("labels/prints", { ids: [RACK], printer: "desk" }),
    );
    for (const one of await Promise.all(jobs))
      expect(await one.json()).toMatchObject({ state: "sent" });
    expect(printer.jobs()).toHaveLength(before + 6);
    expect(printer.mostAtOnce()).toBe(1);
  });
});

describe("racktrace labels", () => {
  test("numbers labels and writes the sheet", async () => {
    const out = join(data, "out.pdf");
    const made = await command("new", "folder", "--count", "2", "--out", out);
    expect(made.status).toBe(0);
    expect(made.stdout.trim().split("\n")).toEqual([
      expect.stringContaining("(8003)09521234005001F"),
      expect.stringContaining("(8003)09521234005001F"),
      `${out}: 1 page; print at 100 %`,
    ]);
    expect(await run(["labels", "list", "--twin", url(), "--json"])).toMatchObject({ status: 0 });
    const { size } = await import("node:fs").then(({ statSync }) => statSync(out));
    expect(size).toBeGreaterThan(5_000);
  });

  test("prints, and says by its status whether the printer took it", async () => {
    const taken = await command("print", RACK, "--printer", "desk");
    expect([taken.status, taken.stdout]).toEqual([0, expect.stringContaining("sent")]);
    const gone = await command("print", RACK, "--printer", "gone", "--json");
    expect(gone.status).toBe(1);
    expect(JSON.parse(gone.stdout)).toMatchObject({ state: "not-reached" });
  });

  test("says what can be printed", async () => {
    const { status, stdout } = await command("choices");
    expect(status).toBe(0);
    expect(stdout).toContain("a4-3x8");
    expect(stdout).toContain("desk");
  });

  test("refuses what makes no sense with the status for wrong words", async () => {
    expect((await command("new", "elephant")).status).toBe(2);
    expect((await command("pdf", "--out", join(data, "x.pdf"))).status).toBe(1);
  });
});

const command = (...words: readonly string[]) => run(["labels", ...words, "--twin", url()]);
const url = () => String(twin.address["http"]);

function post(path: string, body: object, key?: string): Promise<Response> {
  return fetch(`${url()}/api/v1/${path}`, {
    method: "POST",
    headers: {
      ...twin.headers,
      "content-type": "application/json",
      ...(key !== undefined && { "idempotency-key": key }),
    },
    body: JSON.stringify(body),
  });
}

// biome-ignore lint/suspicious/noExplicitAny: each answer has a shape of its own
type Answer = { readonly status: number; readonly body: any };

async function allocate(body: object, key?: string): Promise<Answer> {
  const response = await post("labels/allocations", body, key);
  return { status: response.status, body: await response.json() };
}

function keysOf({ labels }: { readonly labels: readonly { readonly key: string }[] }): string[] {
  return labels.map(({ key }) => key);
}

async function isRegistered(key: string): Promise<boolean> {
  const question = `${url()}/api/v1/where?id=${encodeURIComponent(`https://id.gs1.org/${key}`)}`;
  const response = await fetch(question, { headers: twin.headers });
  return response.ok && ((await response.json()) as { registered: boolean }).registered;
}

function namesOf(answer: Answer | undefined): readonly string[] {
  const labels = (answer?.body.labels ?? []) as readonly { readonly key: string }[];
  return labels.map(({ key }) =>
    key.replace(
      /^(253\/9521234000013|8003\/09521234005001|414\/9521234001003\/254\/|00\/|8018\/)/,
      "",
    ),
  );
}

/** As the access log has them. */
async function deeds(): Promise<readonly string[]> {
  const { entries } = await asked("audit/access");
  return (entries as { what: string }[]).map(({ what }) => what);
}

// biome-ignore lint/suspicious/noExplicitAny: each answer has a shape of its own
async function asked(question: string, { position = 0 } = {}): Promise<any> {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  let answer: any;
  await until(`the answer reflects ${position}`, async () => {
    const response = await fetch(`${url()}/api/v1/${question}`, { headers: twin.headers });
    answer = await response.json();
    return response.ok && (answer.position ?? position) >= position;
  });
  return answer;
}

type PretendedPrinter = {
  readonly port: number;
  jobs(): readonly string[];
  says(state: { readonly paperOut?: boolean } | "nothing"): void;
  breaksOff(does: boolean): void;
  mostAtOnce(): number;
  close(): Promise<void>;
};

/** Answers ~HS with three strings between STX and ETX, as Zebra's programming guide says. */
async function openPrinter(): Promise<PretendedPrinter> {
  const jobs: string[] = [];
  let state: { readonly paperOut?: boolean } | "nothing" = {};
  let breaks = false;
  let now = 0;
  let most = 0;
  const serve = (socket: Socket) => {
    now += 1;
    most = Math.max(most, now);
    let heard = "";
    socket.on("data", (chunk) => {
      heard += chunk.toString();
      if (heard.startsWith("~HS\r\n")) {
        heard = heard.slice(5);
        const paper = state !== "nothing" && state.paperOut === true ? 1 : 0;
        const lines = [
          `030,${paper},0,0296,000,0,0,0,000,0,0,0`,
          "000,0,0,0,0,2,4,0,00000000,1,000",
          "1234,0",
        ];
        if (state !== "nothing")
          socket.write(lines.map((one) => `\u0002${one}\u0003\r\n`).join(""));
      }
      if (breaks && heard.length > 0) socket.resetAndDestroy();
    });
    socket.on("end", () => {
      if (heard !== "") jobs.push(heard);
    });
    socket.on("close", () => {
      now -= 1;
    });
    socket.on("error", () => {});
  };
  const server: Server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    jobs: () => jobs,
    says(next) {
      state = next;
    },
    breaksOff(does) {
      breaks = does;
    },
    mostAtOnce: () => most,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
