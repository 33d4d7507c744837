/** The door to master data: who never opens it does not load it. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { words } from "./language/spoken.ts";
import { Notice } from "./parts/notice.tsx";

type Props = { readonly query: URLSearchParams };

export function RegisterEntry({ query }: Props) {
  const [loaded, setLoaded] = useState<{ readonly Page: FunctionComponent<Props> } | "failed">();
  useEffect(() => {
    import("./pages/register-page.tsx").then(
      ({ RegisterPage }) => setLoaded({ Page: RegisterPage }),
      () => setLoaded("failed"),
    );
  }, []);
  if (loaded === undefined) return null;
  if (loaded === "failed") return <Notice tone="error" title={words.register.cannot} />;
  return <loaded.Page query={query} />;
}
