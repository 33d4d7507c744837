/** The door to counting with this device: scanning is loaded by who counts, and not by every page. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PhoneHolder } from "../scan/entry.tsx";
import type { Phone } from "../scan/phone.ts";
import type { CountHereProps } from "./count-here.tsx";

export function CountEntry({
  phone: holder,
  ...rest
}: Omit<CountHereProps, "phone"> & { readonly phone: PhoneHolder }) {
  const [loaded, setLoaded] = useState<{
    readonly CountHere: FunctionComponent<CountHereProps>;
    readonly phone: Phone;
  }>();
  useEffect(() => {
    Promise.all([import("./count-here.tsx"), holder.open()]).then(
      ([{ CountHere }, phone]) => setLoaded({ CountHere, phone }),
      // A browser that keeps nothing cannot scan: the labels and a hand scanner still can.
      () => {},
    );
  }, [holder]);
  return loaded === undefined ? null : <loaded.CountHere phone={loaded.phone} {...rest} />;
}
