/**
 * The door to scanning: small, because it is part of every page. What scans is loaded when the Scan page
 * is opened; what sends, also when scans wait from another time.
 */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { words } from "../language/spoken.ts";
import { Notice } from "../parts/notice.tsx";
import type { Phone } from "./phone.ts";

export type PhoneHolder = { open(): Promise<Phone> };

const WAITING = "racktrace.scans.waiting";

export function holdPhone(): PhoneHolder {
  let phone: Promise<Phone> | undefined;
  const open = () => {
    phone ??= import("./phone.ts").then(({ openPhone }) => openPhone({ label: label() }));
    return phone;
  };
  if (somethingWaits()) void open();
  return { open };
}

export function ScanEntry({ phone: holder }: { readonly phone: PhoneHolder }) {
  const [loaded, setLoaded] = useState<Loaded | "failed">();
  useEffect(() => {
    Promise.all([import("../pages/scan-page.tsx"), holder.open()]).then(
      ([{ ScanPage }, phone]) => setLoaded({ ScanPage, phone }),
      () => setLoaded("failed"),
    );
  }, [holder]);
  if (loaded === undefined) return null;
  if (loaded === "failed") return <Notice tone="error" title={words.scan.cannot} />;
  return <loaded.ScanPage phone={loaded.phone} />;
}

type Loaded = {
  readonly ScanPage: FunctionComponent<{ readonly phone: Phone }>;
  readonly phone: Phone;
};

function somethingWaits(): boolean {
  try {
    return localStorage.getItem(WAITING) !== null;
  } catch {
    return false;
  }
}

/** What its owner may recognise it by in a list. */
function label(): string {
  const { userAgent } = navigator;
  const system = /Android|iPhone|iPad|Windows|Macintosh|CrOS|Linux/.exec(userAgent)?.[0] ?? "";
  const browser = /Firefox|Edg|Chrome|Safari/.exec(userAgent)?.[0] ?? "";
  return [system, browser].filter((part) => part !== "").join(", ");
}
