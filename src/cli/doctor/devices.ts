/** What is wrong with a device that is configured, and with programs that get in its way. */
import { suggestionFor } from "../../devices/usb/makers.ts";
import { nearest } from "../../gateway/config-text.ts";
import type { DeviceFacts } from "../../io/machine/device-probe.ts";
import type { PluggedIn } from "../../io/machine/plugged-in.ts";
import type { Process } from "../../io/machine/processes.ts";
import { type Finding, finding } from "./finding.ts";

export type Device = DeviceFacts & {
  /** Such as `scanner desk`. */
  readonly about: string;
  readonly path: string;
  readonly profile: string | undefined;
  readonly isKeyboard: boolean;
  /** Of the devices beside it those that nothing else in the configuration reads. */
  readonly mistakable: readonly string[];
  readonly holders: readonly Process[];
  readonly usb: PluggedIn | undefined;
};

export type DeviceContext = {
  readonly user: { readonly uid: number; readonly groups: readonly string[] };
  /** The gateway itself may hold its devices. */
  readonly gatewayPid: number | undefined;
};

export function judgeDevice(device: Device, context: DeviceContext): readonly Finding[] {
  if (device.found === "absent") return [absent(device)];
  if (device.found === "other") return [notADevice(device)];
  return [...permitted(device, context), ...heldByOthers(device, context), ...suits(device)];
}

/** What the kernel calls ports: one that is absent is unplugged, and no slip of the pen for another. */
const KERNEL_NAME = /^\/dev\/(tty[A-Z]{1,4}|hidraw|input\/event)\d+$/;
/** Names of two boxes of one maker differ by more. */
const SLIPS_MAX = 2;

function absent({ about, path, beside, mistakable }: Device): Finding {
  const name = KERNEL_NAME.test(path) ? undefined : nearest(path, mistakable, SLIPS_MAX);
  if (name !== undefined)
    return finding("device-misnamed", about, [
      `${path} is not there`,
      `its name is nearly that of ${name}, which is`,
      `write path: ${name}`,
    ]);
  return finding("device-absent", about, [
    `${path} is not there`,
    beside.length === 0
      ? "nothing is plugged in there, or the cable or its power is off"
      : "what is plugged in has other names",
    "check the cable; `racktrace ports` shows what is plugged in and its names",
  ]);
}

function notADevice({ about, path }: Device): Finding {
  return finding("not-a-device", about, [
    `${path} is a file or a folder`,
    "a program wrote to the name while the device was away, or the path is wrong",
    "delete the file, or correct the path: `racktrace ports` shows the names of devices",
  ]);
}

function permitted(device: Device, { user }: DeviceContext): readonly Finding[] {
  const { about, path, real = path, readable, writable, group, isKeyboard } = device;
  if (readable && (writable || isKeyboard)) return [];
  const outside = group !== undefined && group !== "root" && !user.groups.includes(group);
  return [
    finding("device-not-permitted", about, [
      `this user may not ${readable ? "write to" : "read"} ${real}`,
      outside
        ? `it belongs to the group ${group}, which this user is not in`
        : `its mode does not let group ${group ?? "?"} in: the device rule is missing`,
      outside
        ? `usermod -aG ${group} racktrace-gateway, then start the gateway again`
        : "install deploy/99-racktrace.rules and run `udevadm control --reload && udevadm trigger`",
    ]),
  ];
}

function heldByOthers(
  { about, path, holders }: Device,
  context: DeviceContext,
): readonly Finding[] {
  const others = holders.filter(({ pid }) => pid !== context.gatewayPid);
  if (others.length === 0) return [];
  const who = others.map(({ pid, command }) => `${command} (pid ${pid})`).join(", ");
  return [
    finding("device-held", about, [
      `another program has ${path} open: ${who}`,
      "two readers split what the device sends",
      `stop it: kill ${others.map(({ pid }) => pid).join(" ")}, or its service`,
    ]),
  ];
}

function suits({ about, profile, usb }: Device): readonly Finding[] {
  const suggested = usb && suggestionFor(usb.vendorId, usb.kind);
  const family = (name: string) => name.split("-")[0];
  if (suggested?.profile === undefined || profile === undefined || profile === "generic") return [];
  if (family(suggested.profile) === family(profile) || suggested.profile === "generic") return [];
  return [
    finding(
      "profile-of-another-maker",
      about,
      [
        `its profile is ${profile}, and it is made by ${suggested.maker}`,
        "the profile was copied, or another device was plugged in",
        `profile: ${suggested.profile} suits it${suggested.acknowledged ? `, or ${suggested.acknowledged}` : ""}`,
      ],
      false,
    ),
  ];
}

export type Intruders = {
  readonly modemManager: readonly Process[];
  readonly brltty: readonly Process[];
  /** deploy/99-racktrace.rules is installed. */
  readonly rule: boolean;
};

/** Only where a serial port of this machine is configured. */
export function judgeIntruders({ modemManager, brltty, rule }: Intruders): readonly Finding[] {
  return [
    ...(modemManager.length > 0 && !rule
      ? [
          finding("modem-manager", "ModemManager", [
            "it runs, and no rule keeps it away from scanners",
            "it opens each new serial port and sends AT commands, which scanners answer with garbage",
            "install deploy/99-racktrace.rules to /etc/udev/rules.d/ and run `udevadm control --reload && udevadm trigger`",
          ]),
        ]
      : []),
    ...(brltty.length > 0
      ? [
          finding("brltty", "brltty", [
            "it runs",
            "it takes adapters with CH340, CP210x and FT232 chips for Braille displays and drives their ports away",
            "apt-get purge brltty",
          ]),
        ]
      : []),
  ];
}
