/** A box for the doctor: all is well with it until a test breaks one thing. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import { examine } from "../../src/cli/doctor/examine.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { readGatewayConfig } from "../../src/gateway/config.ts";
import { createClock } from "../../src/io/clock.ts";
import type { Clock } from "../../src/ports.ts";
import { temporaryFolder } from "./folder.ts";
import { createMachineTree, type MachineTree } from "./machine-tree.ts";
import { openPty, plugIn } from "./pty.ts";

export type Patient = {
  readonly folder: string;
  data: string;
  readonly machine: MachineTree;
  /** Keys of the configuration, as YAML. */
  readonly keys: Record<string, string>;
  clock: Clock;
  root: string;
  readonly tty: string;
  /** Writes the configuration, and tells where. */
  file(): string;
  look(): Promise<readonly Finding[]>;
};

export async function createPatient(): Promise<Patient> {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  mkdirSync(data);
  const pty = openPty();
  const cable = join(folder, "usb-Zebra_DS8178_S12-if00");
  plugIn(cable, pty);
  const machine = createMachineTree();
  machine.process(7, ["/usr/sbin/chronyd"]);
  const twin = await listen((bytes) =>
    bytes[0] === 0x10 ? Uint8Array.of(0x20, 2, 0, 0) : undefined,
  );
  const patient: Patient = {
    folder,
    data,
    machine,
    tty: pty.path,
    clock: createClock(() => "unknown"),
    root: machine.root,
    keys: {
      http: "{ port: 0 }",
      mqtt: "{ port: 0 }",
      twin: `{ url: "mqtt://127.0.0.1:${twin}" }`,
      scanners: `[{ id: desk, path: "${cable}" }]`,
    },
    file() {
      const path = join(folder, "gateway.yaml");
      const keys = Object.entries(patient.keys).map(([key, value]) => `${key}: ${value}\n`);
      writeFileSync(path, `version: 1\ngateway: gw-test\ndata: ${patient.data}\n${keys.join("")}`);
      return path;
    },
    async look() {
      const read = readGatewayConfig(readFileSync(patient.file(), "utf8"));
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      const { clock, root } = patient;
      return examine(
        { clock, root, user: { uid: 0, groups: ["root"] }, pid: process.pid },
        read.config,
      );
    },
  };
  return patient;
}

type Answer = (bytes: Buffer) => Uint8Array | undefined;

/** A port where somebody answers as `answer` says; undefined: says nothing. */
export function listen(answer: Answer): Promise<number> {
  return portOf(createServer((socket) => talk(socket, answer)));
}

export function listenTls(pem: { readonly key: string; readonly cert: string }, answer: Answer) {
  return portOf(createTlsServer(pem, (socket) => talk(socket, answer)));
}

function talk(socket: import("node:net").Socket, answer: Answer): void {
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => {
    const said = answer(bytes);
    if (said !== undefined) socket.write(said);
  });
}

function portOf(server: Server): Promise<number> {
  server.on("tlsClientError", () => undefined);
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}

/** An authority, and a certificate that it signed. */
export function certify(name: string, days: { readonly from: string; readonly to: string }) {
  const folder = temporaryFolder();
  const openssl = (...words: readonly string[]) =>
    execFileSync("openssl", words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=site");
  openssl("req", ...key, "-keyout", "key.pem", "-out", "request.pem", "-subj", `/CN=${name}`);
  writeFileSync(
    join(folder, "ca.conf"),
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${folder}/index\nserial = ${folder}/serial\nnew_certs_dir = ${folder}\npolicy = any\ndefault_md = sha256\nx509_extensions = names\n[any]\ncommonName = supplied\n[names]\nsubjectAltName = DNS:${name}\n`,
  );
  writeFileSync(join(folder, "index"), "");
  writeFileSync(join(folder, "serial"), "01\n");
  openssl(
    ...["ca", "-batch", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key"],
    ...["-in", "request.pem", "-out", "cert.pem", "-startdate", days.from, "-enddate", days.to],
  );
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  return { key: read("key.pem"), cert: read("cert.pem"), authority: read("ca.pem") };
}

/** A process of somebody else that has a file open. */
export async function holdOpen(path: string): Promise<ChildProcess> {
  const child = spawn("sh", ["-c", `exec 3<>${path}; echo open; exec sleep 600`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}
