/**
 * What is plugged into this machine and could be a scanner, an instrument or a bus: serial ports with
 * hardware behind them, and keyboards. Read from /sys and /dev; nothing is opened.
 *
 * `root` stands for `/`, so that the tree of another machine can be looked at.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export type PluggedIn = {
  /** The kernel's name, which changes with the next plug. */
  readonly device: string;
  readonly kind: "serial" | "keyboard";
  /** Names that stay. */
  readonly byId: readonly string[];
  readonly byPath: readonly string[];
  readonly vendorId: string | undefined;
  readonly productId: string | undefined;
  readonly maker: string | undefined;
  readonly product: string | undefined;
  readonly serialNumber: string | undefined;
  readonly driver: string | undefined;
  /** Folder of the USB device under /sys; ports of one device have it in common. */
  readonly usbDevice: string | undefined;
};

export function pluggedIn(root = "/"): readonly PluggedIn[] {
  return [...serialPorts(root), ...keyboards(root)];
}

function serialPorts(root: string): readonly PluggedIn[] {
  const names = namesIn(root, "dev/serial");
  return list(join(root, "sys/class/tty")).flatMap((tty) => {
    const place = join(root, "sys/class/tty", tty);
    // Consoles and pseudo terminals have no device; type 0 is a socket of the board without a chip.
    if (!existsSync(join(place, "device")) || text(place, "type") === "0") return [];
    const usb = usbAbove(join(place, "device"), root);
    return [
      {
        device: `/dev/${tty}`,
        kind: "serial" as const,
        ...names(tty),
        vendorId: text(usb, "idVendor"),
        productId: text(usb, "idProduct"),
        maker: text(usb, "manufacturer"),
        product: text(usb, "product"),
        serialNumber: text(usb, "serial"),
        driver: target(join(place, "device/driver")),
        usbDevice: usb,
      },
    ];
  });
}

function keyboards(root: string): readonly PluggedIn[] {
  const names = namesIn(root, "dev/input");
  return list(join(root, "sys/class/input")).flatMap((event) => {
    if (!event.startsWith("event")) return [];
    const place = join(root, "sys/class/input", event, "device");
    const { byId, byPath } = names(event);
    const keys = (name: string) => name.endsWith("-event-kbd");
    if (!byId.some(keys) && !byPath.some(keys)) return [];
    return [
      {
        device: `/dev/input/${event}`,
        kind: "keyboard" as const,
        byId: byId.filter(keys),
        byPath: byPath.filter(keys),
        vendorId: text(place, "id/vendor"),
        productId: text(place, "id/product"),
        maker: undefined,
        product: text(place, "name"),
        serialNumber: text(place, "uniq"),
        driver: undefined,
        usbDevice: usbAbove(place, root),
      },
    ];
  });
}

/**
 * The name to configure: by-id stays when the plug moves, but it is made of maker, product and serial
 * number, and devices that have these in common share it: those of one kind without serial numbers, and
 * those whose maker gave all of them the same. Their sockets tell them apart.
 */
export function lastingName(port: PluggedIn, all: readonly PluggedIn[]): string {
  const isShared = all.some((other) => other !== port && sharesIdentity(port, other));
  const [byId] = isShared ? [] : port.byId;
  return byId ?? port.byPath[0] ?? port.device;
}

/** Ports of one device have names that end differently; only two devices share an identity. */
function sharesIdentity(port: PluggedIn, other: PluggedIn): boolean {
  return (
    other.vendorId !== undefined &&
    other.vendorId === port.vendorId &&
    other.productId === port.productId &&
    other.serialNumber === port.serialNumber &&
    other.kind === port.kind &&
    (other.usbDevice === undefined || other.usbDevice !== port.usbDevice)
  );
}

function namesIn(root: string, folder: string) {
  const links = (kind: "by-id" | "by-path") =>
    list(join(root, folder, kind)).map((name) => ({
      name: `/${folder}/${kind}/${name}`,
      leadsTo: target(join(root, folder, kind, name)),
    }));
  const byId = links("by-id");
  const byPath = links("by-path");
  const to = (device: string, all: typeof byId) =>
    all.filter(({ leadsTo }) => leadsTo === device).map(({ name }) => name);
  return (device: string) => ({ byId: to(device, byId), byPath: to(device, byPath) });
}

/** The nearest folder above that is a USB device and not only one of its interfaces. */
function usbAbove(place: string, root: string): string | undefined {
  let folder: string;
  try {
    folder = realpathSync(place);
  } catch {
    return undefined;
  }
  const top = join(root, "sys");
  for (; folder.length > top.length && folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, "idVendor"))) return folder;
  return undefined;
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
  } catch {
    return [];
  }
}

function text(folder: string | undefined, name: string): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return readFileSync(join(folder, name), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

function target(link: string): string | undefined {
  try {
    return basename(readlinkSync(link));
  } catch {
    return undefined;
  }
}
