/** The last live reading of each series while the component is shown. */
import { useRef, useState } from "preact/hooks";
import { useNews } from "./ask.ts";
import type { Read } from "./live-event.ts";

export function useLatest(): (device: string, property: string) => Read | undefined {
  const latest = useRef(new Map<string, Read>());
  const [, redraw] = useState(0);
  useNews((news) => {
    if (news.kind === "gap") return;
    const readings = news.events.filter((event) => event.kind === "reading");
    if (readings.length === 0) return;
    for (const reading of readings) latest.current.set(nameOf(reading), reading);
    redraw((n) => n + 1);
  });
  return (device, property) => latest.current.get(nameOf({ device, property }));
}

function nameOf({ device, property }: { readonly device: string; readonly property: string }) {
  return `${device}\n${property}`;
}
