// The gateway at a glance: asks /status.json once a second while somebody looks.
const EVERY_MS = 1000;
const at = (id) => document.getElementById(id);

function el(tag, name, ...parts) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.append(...parts.filter((part) => part !== undefined && part !== ""));
  return node;
}

const STATES = {
  open: ["open", "good"],
  opening: ["opening", "soft"],
  silent: ["silent", "warn"],
  absent: ["not there", "bad"],
  faulted: ["faulted", "bad"],
};
const FATES = {
  writing: ["being saved", "soft"],
  refused: ["not saved yet", "bad"],
  saved: ["saved, waits for the twin", "good"],
  delivered: ["the twin has it", "good"],
  accepted: ["taken in", "good"],
  discrepancy: ["the twin objects", "warn"],
  unknown: ["not understood", "warn"],
};
const REASONS = {
  "twin-away": "The twin is away",
  "twin-trouble": "The twin does not take everything",
  "outbox-refuses": "The disk takes no more",
  stalled: "Work waits and nothing moves",
  "outbox-set-aside": "A damaged outbox was set aside",
  "port-absent": "Not plugged in",
  "port-faulted": "A port does not work",
  "device-absent": "A device cannot be reached",
  "device-faulted": "A device says nothing of use",
  "device-silent": "A device has fallen silent",
  "config-refused": "The new configuration is wrong; the old one goes on",
  "config-waits": "Waits for a restart",
  "certificate-ends": "Its certificate ends soon",
};
const CLOCKS = {
  synced: "set",
  unsynced: "not set",
  stepped: "was set just now",
  unknown: "unsure",
};
const UNITS = { Cel: "°C", 1: "" };

const whole = (n) => Math.round(n).toLocaleString("en");
const few = (n) => Number(n.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 3 });
const ROWS_MAX = 150;
const time = (ms) => new Date(ms).toLocaleTimeString("en-GB");

function age(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 2) return "now";
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

function size(bytes) {
  const power = bytes < 1e3 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const n = bytes / 1000 ** power;
  return `${n < 10 && power > 0 ? n.toFixed(1) : Math.round(n)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

function figure(name, value, note, tone) {
  return el("div", "", el("dt", "", name), el("dd", tone, value, el("small", "", note ?? "")));
}

/** What could not be kept outweighs what gave way, and that what waits. */
function readingsNote({ evicted, waitingBytes }, lost) {
  if (lost > 0) return [`${whole(lost)} lost`, "bad"];
  if (evicted > 0) return [`${whole(evicted)} gave way`, "warn"];
  return [`to send, ${size(waitingBytes)}`, ""];
}

function figures({ lanes, link, budget, pace, disk, clock, lost }) {
  const [scans, readings] = lanes;
  const spent = (scans.waitingBytes + readings.waitingBytes) / budget.bytesMax;
  const offset = clock.twinOffsetS;
  const wrong = clock.quality === "unsynced" || Math.abs(offset ?? 0) > 5;
  return [
    figure(
      "Twin",
      link.connected ? "here" : "away",
      link.url.replace(/^mqtts?:\/\//, ""),
      link.connected ? "good" : "warn",
    ),
    figure("Scans", whole(scans.waiting), `to send, ${size(scans.waitingBytes)}`),
    figure("Readings", whole(readings.waiting), ...readingsNote(readings, lost)),
    figure(
      "Events a second",
      pace ? few(pace.scan + pace.telemetry) : "–",
      pace ? `${few(pace.scan)} scans` : "one moment",
    ),
    figure(
      "Disk free",
      disk ? size(disk.freeBytes) : "?",
      `${(100 * spent).toFixed(spent < 0.1 ? 1 : 0)} % of budget`,
      disk && disk.freeBytes < 2e8 ? "bad" : "",
    ),
    figure(
      "Clock",
      CLOCKS[clock.quality],
      offset === null
        ? "twin not heard"
        : `twin ${offset < 0 ? "−" : "+"}${Math.abs(offset).toFixed(1)} s`,
      wrong ? "warn" : "",
    ),
  ];
}

function row(name, state, tone, ...notes) {
  return el(
    "li",
    "",
    el("b", "", name),
    el("span", `state ${tone}`, state),
    ...notes.filter(Boolean).map((note) => el("p", "", note)),
  );
}

function scanner({ id, path, state, reason, sinceMs, scans, opens, noise }, nowMs) {
  const [word, tone] = STATES[state];
  const dirt = Object.values(noise).reduce((sum, bytes) => sum + bytes, 0);
  const counts = [`${whole(scans)} ${scans === 1 ? "scan" : "scans"}`];
  if (opens > 1) counts.push(`opened ${whole(opens)} times`);
  if (dirt > 0) counts.push(`${whole(dirt)} bytes of noise`);
  counts.push(path.split("/").at(-1));
  const about = reason.replace(/^[A-Z_]+: /, "").replace(path, "The port");
  return row(id, `${word} · ${age(nowMs - sinceMs)}`, tone, counts.join(" · "), about);
}

function scan({ device, atMs, text, fate, why }) {
  const [word, tone] = FATES[fate];
  return row(text, word, tone, `${device} · ${time(atMs)}`, why);
}

/** Of an instrument that sends lines: how many were read, and what was no reading. */
function linesNote({ readings, nothing, wrong, noiseBytes }) {
  const notes = [`${whole(readings)} of ${whole(readings + nothing + wrong)} lines read`];
  if (wrong > 0) notes.push(`${whole(wrong)} wrong`);
  if (noiseBytes > 0) notes.push(`${whole(noiseBytes)} bytes of noise`);
  return notes.join(" · ");
}

function sensors({ sensors: states, readings, lines, nowMs }) {
  const told = new Map(lines.map((line) => [line.id, linesNote(line)]));
  const devices = new Map(states.map((one) => [one.id, { ...one, values: [], atMs: 0 }]));
  for (const { device, property, value, unit, atMs } of readings) {
    const known = devices.get(device) ?? {
      id: device,
      values: [],
      state: "open",
      reason: "",
      atMs,
    };
    known.atMs = atMs;
    known.values.push([property.replaceAll("_", " "), few(value), UNITS[unit] ?? unit]);
    devices.set(device, known);
  }
  const list = [...devices.values()].sort((a, b) =>
    a.id.localeCompare(b.id, "en", { numeric: true }),
  );
  return list.map(({ id, state, reason, values, atMs }) => {
    const [word, tone] = STATES[state];
    const heard = atMs ? `${age(nowMs - atMs)}${nowMs - atMs < 2000 ? "" : " ago"}` : "";
    const shown = values.map(([what, value, unit]) =>
      el("span", "", el("i", "", `${what} `), value, unit && ` ${unit}`),
    );
    const note = state === "open" ? "" : reason.replace(/^[A-Z_]+: /, "");
    return el(
      "li",
      "",
      el("b", "", id, el("p", "", heard)),
      shown.length > 0 ? el("div", "value", ...shown) : el("span", `state ${tone}`, word),
      shown.length > 0 && state !== "open"
        ? el("p", tone, `${word}: ${note}`)
        : note && el("p", "", note),
      told.has(id) ? el("p", "", told.get(id)) : "",
    );
  });
}

function reason({ what, detail }) {
  const plain = detail.replace(/(^|: )[A-Z_]{6,}: /, "$1").replace(/^mqtts?:\/\/\S+: /, "");
  const calm = what === "twin-away" ? "What is read is kept on this disk and sent later." : "";
  return el(
    "li",
    "",
    el("strong", "", REASONS[what] ?? what),
    calm && `${calm} `,
    calm ? el("span", "soft", plain) : plain,
  );
}

function show(status) {
  const { gateway, reasons, nowMs, startedMs, config } = status;
  document.title = `${gateway} · racktrace`;
  at("name").textContent = gateway;
  at("clock").textContent = time(nowMs);
  const well = reasons.length === 0;
  const away = reasons.every(({ what }) => what === "twin-away");
  at("headline").className = well ? "good" : "warn";
  at("headline").textContent = well
    ? "All is well"
    : away
      ? "Works alone: what is scanned is kept on this disk"
      : `${reasons.length === 1 ? "One thing" : `${reasons.length} things`} to look at`;
  at("reasons").replaceChildren(...reasons.map(reason));
  at("figures").replaceChildren(...figures(status));
  fill(
    "scanners",
    status.scanners.map((one) => scanner(one, nowMs)),
    "None is configured.",
  );
  fill("scans", status.scans.map(scan), "Nothing was scanned since the start.");
  fill("sensors", sensors(status), "Nothing was measured since the start.");
  at("foot").textContent =
    `Runs for ${age(nowMs - startedMs)}, start ${status.boot} on this disk. ${config.file ?? "Flags"}, taken ${age(nowMs - config.takenAtMs)}${nowMs - config.takenAtMs < 2000 ? "" : " ago"}.`;
}

function fill(id, rows, none) {
  const shown = rows.slice(0, ROWS_MAX);
  if (rows.length > ROWS_MAX)
    shown.push(el("li", "soft", `and ${whole(rows.length - ROWS_MAX)} more`));
  at(id).replaceChildren(...(rows.length > 0 ? shown : [el("li", "soft", none)]));
}

async function look() {
  try {
    const response = await fetch("status.json", { signal: AbortSignal.timeout(5000) });
    const status = await response.json();
    document.body.classList.remove("stale");
    // Somebody copies a number: it stays where it is.
    if (getSelection()?.isCollapsed !== false) show(status);
  } catch {
    document.body.classList.add("stale");
    at("headline").className = "bad";
    at("headline").textContent = "The gateway does not answer; below is what it said last";
  }
  setTimeout(next, EVERY_MS);
}

function next() {
  if (document.hidden) document.addEventListener("visibilitychange", next, { once: true });
  else void look();
}

next();
