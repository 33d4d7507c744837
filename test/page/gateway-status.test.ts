/** The gateway's own page, in a real browser on a phone's screen, beside a box whose twin is away. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, startProgram } from "../support/programs.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { hasBrowser, openBrowser, PHONE, screenshot } from "./browser.ts";

vi.setConfig({ testTimeout: 120_000 });

const BYTES_MAX = 20_000;

test.skipIf(!hasBrowser)(
  "with a scanner unplugged and the twin away the page says so, and shows what was scanned and measured",
  async () => {
    const folder = temporaryFolder();
    const data = join(folder, "data");
    const file = join(folder, "gateway.yaml");
    writeFileSync(file, configuration(folder, data, await freePort()));
    let gateway = await startProgram(["gateway", "--config", file], data);
    onTestFinished(() => gateway.kill());
    // A program that is started later would inherit the cable, and nobody could pull it.
    const ptys = ["desk", "dock", "scale"].map((name) => {
      const pty = openPty();
      plugIn(join(folder, name), pty);
      return pty;
    });
    const http = String(gateway.address["http"]);
    const status = async (): Promise<Named> =>
      (await fetch(`${gateway.address["http"]}/status.json`)).json();
    const states = async () => (await status()).scanners.map((one: { state: string }) => one.state);
    await until("both lines are open", async () => `${await states()}` === "open,open");

    await until("the scale is heard", async () => (await status()).sensors[0]?.state === "open");

    for (const page of [1, 2, 3]) await ptys[0]?.write(`]C12539521234000013N00001P0${page}\r`);
    await ptys[0]?.write("]C12539521234000014N00001P04\r");
    await ptys[1]?.write("]C1800309521234005001F0001\r");
    await ptys[2]?.write("W=1.25\rReady\rW=heavy\rW=1.5\r");
    const device = mqtt.connect(String(gateway.address["mqtt"]), { reconnectPeriod: 0 });
    await device.publishAsync("archive/cold-1/climate", '{"t":4.25,"h":61.5}', { qos: 1 });
    await device.publishAsync("archive/hall/climate", '{"t":21.5,"h":40}', { qos: 1 });
    await device.endAsync();
    rmSync(join(folder, "dock"));
    ptys[1]?.hangup();
    await until("the pulled plug is known", async () => `${await states()}` === "open,absent");
    await until("the scans are saved", async () => (await status()).scans.length === 5);

    const browser = await openBrowser();
    onTestFinished(() => browser.close());
    const answer = await fetch(http);
    expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    expect((await answer.text()).length).toBeLessThan(BYTES_MAX);
    for (const colorScheme of ["dark", "light"] as const) {
      const page = await browser.open(http, { ...PHONE, colorScheme });
      const shows = (text: string | RegExp) => page.getByText(text).first().waitFor();
      await shows("2 things to look at");
      await shows("Not plugged in");
      await shows(/not there/);
      await shows("(253)9521234000013N00001P03");
      await shows("saved, waits for the twin");
      await shows("4.25 °C");
      await shows("2 of 4 lines read · 1 wrong");
      expect(await violations(page)).toEqual([]);
      expect(
        await page.evaluate(
          "document.documentElement.scrollWidth <= document.documentElement.clientWidth",
        ),
        "nothing is cut off at the side",
      ).toBe(true);
      await screenshot(page, `gateway-status-${colorScheme}`);
      await page.setViewportSize({ width: 360, height: 1400 });
      await screenshot(page, `gateway-status-whole-${colorScheme}`);
    }
    const losing = await browser.open(http, PHONE);
    await losing.route("**/status.json", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), lost: 1234 } });
    });
    await losing.getByText("1,234 lost").waitFor();
    await losing.unrouteAll({ behavior: "wait" });
    await losing.close();
    expect(browser.witness.complaints).toEqual([]);

    const before = (await status()).scans.map(({ text }: { text: string }) => text);
    await gateway.kill();
    gateway = await startProgram(["gateway", "--config", file], data);
    const after = async () => (await status()).scans.map(({ text }: { text: string }) => text);
    await until(
      "what waited for the twin is shown again",
      async () => (await after()).length === 5,
    );
    expect(await after()).toEqual(before);
    expect(browser.witness.requests.filter((url) => !url.startsWith(http))).toEqual([]);
  },
);

function configuration(folder: string, data: string, twin: number): string {
  return `version: 1
gateway: gw-archive
data: ${data}
http: { port: 0 }
twin: { url: "mqtt://127.0.0.1:${twin}" }
mqtt:
  port: 0
  mappings:
    - topic: archive/+/climate
      device: "clim-{1}"
      payload: json
      readings:
        - { pointer: /t, property: temperature, unit: Cel }
        - { pointer: /h, property: relative_humidity, unit: "%" }
lines:
  - id: scale-1
    path: ${join(folder, "scale")}
    format: { kind: pairs }
    readings: [{ field: W, property: mass, unit: kg }]
scanners:
  - { id: scn-desk, path: ${join(folder, "desk")} }
  - { id: scn-dock, path: ${join(folder, "dock")} }
`;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
type Named = any;
