/** What a gateway that runs says of itself, and what the noise on its lines tells. */
import type { Status } from "../../gateway/status.ts";
import type { ConfigState } from "../gateway-reload.ts";
import { type Finding, finding } from "./finding.ts";

export type RunningStatus = Status & { readonly config: ConfigState };

/** Fewer bytes than this are a plug going in. */
const NOISE_BYTES_MIN = 24;

export function judgeRunning({ scanners, config, reasons }: RunningStatus): readonly Finding[] {
  return [
    ...scanners.flatMap(judgeLine),
    ...reasons.flatMap(judgeDevice),
    ...(config.problems.length > 0
      ? [
          finding("config-refused", "configuration", [
            `the gateway runs with an older one: ${config.problems[0]}`,
            "the file was changed, and is wrong",
            "correct it (`racktrace gateway --check`), then `systemctl reload racktrace-gateway`",
          ]),
        ]
      : []),
    ...(config.waits.length > 0
      ? [
          finding(
            "config-waits",
            "configuration",
            [
              `${config.waits.join(", ")}: changed, and not in use yet`,
              "these keys are read at the start only",
              "systemctl restart racktrace-gateway",
            ],
            false,
          ),
        ]
      : []),
    ...reasons.flatMap(({ what, detail }) =>
      what === "outbox-refuses"
        ? [
            finding("outbox-refuses", "outbox", [
              "nothing more is kept",
              detail,
              "bring the twin back, free the disk, or raise outbox.bytesMax",
            ]),
          ]
        : [],
    ),
  ];
}

function judgeLine({
  id,
  scans,
  noise,
  state,
  reason,
}: Status["scanners"][number]): readonly Finding[] {
  const about = `scanner ${id}`;
  if (state === "silent")
    return [
      finding(
        "line-silent",
        about,
        [
          reason,
          "nobody scans, its battery is empty, or it sends on another interface",
          `scan something; \`racktrace listen\` on its port shows whether anything comes (stop the gateway first)`,
        ],
        false,
      ),
    ];
  // What an adapter says while it is opened is usual.
  const { settling: _usual, ...rest } = noise;
  const [worst] = Object.entries(rest).toSorted(([, a], [, b]) => b - a);
  if (worst === undefined || worst[1] < NOISE_BYTES_MIN) return [];
  const [why, bytes] = worst;
  const [cause, next] = NOISE[why] ?? NOISE_OTHER;
  const what = `${bytes} bytes came that belong to no scan (${why}), beside ${scans} scans`;
  return [finding("line-noise", about, [what, cause, next], scans === 0)];
}

/** Of what measures: the reason begins with its id. */
function judgeDevice({ what, detail }: Status["reasons"][number]): readonly Finding[] {
  const advice = DEVICES[what];
  if (advice === undefined) return [];
  const [id] = detail.split(": ");
  return [finding(what, `device ${id}`, [detail, ...advice], what !== "device-silent")];
}

const DEVICES: Readonly<Record<string, readonly [cause: string, next: string]>> = {
  "device-absent": [
    "its line is unplugged, or nobody answers under its address",
    "check cable, power, and its path or url in the configuration",
  ],
  "device-faulted": [
    "it cannot be opened or reached, refuses what it is asked, or its value stands still",
    "compare url or path, registers and profile with the device; look at the device itself",
  ],
  "device-silent": [
    "it has no power, another address or baud rate, or its network is gone",
    "check power, wiring, slave address and baudRate",
  ],
};

const NOISE_OTHER = [
  "baud rate or parity differ from the scanner's, or the cable picks something up",
  "compare baudRate, dataBits and parity with the scanner's setting; try a shorter cable",
] as const;

const NOISE: Readonly<Record<string, readonly [cause: string, next: string]>> = {
  oversize: [
    "no end of a scan is seen: the scanner sends another suffix than `framing` says, or none",
    "set the scanner's suffix to CR, or framing: { kind: gap, gapMs: 50 } for one without",
  ],
  "cut-short": [
    "scans break off: the plug is loose, or the scanner sends no suffix",
    "check the plug; set the scanner's suffix to CR",
  ],
  outside: [
    "the scanner sends no STX and ETX around its scans, or baud rate or parity differ",
    "set the scanner to STX/ETX (Olivetti), or choose a profile without them",
  ],
  checksum: [
    "packets arrive damaged: baud rate or parity differ, or the scanner is not set to SSI",
    "compare baudRate with the scanner's setting; set the scanner to SSI, or use profile: zebra",
  ],
  keys: [
    "keys come that stand for no character: the scanner plays another keyboard",
    "set the scanner to the US keyboard layout",
  ],
};
