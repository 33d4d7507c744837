/**
 * The gateway's own page as one answer: markup, style and script in one file, and a policy that allows
 * exactly these two by their hashes, and questions to this gateway alone.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export type StatusPage = { readonly html: string; readonly policy: string };

const FOLDER = new URL("./status-page/", import.meta.url);

export function readStatusPage(): StatusPage {
  const [html, style, script] = ["page.html", "style.css", "script.js"].map((name) =>
    readFileSync(new URL(name, FOLDER), "utf8"),
  ) as [string, string, string];
  return {
    // Functions, since the texts hold $.
    html: html.replace("/*style*/", () => style).replace("/*script*/", () => script),
    policy: [
      "default-src 'none'",
      `style-src ${hashOf(style)}`,
      `script-src ${hashOf(script)}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  };
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
