/**
 * Builds the page into dist/web, where the twin serves it from its own origin.
 *
 * Nothing is inlined: the page's policy is `default-src 'self'`, which refuses data: addresses too.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact({ devToolsEnabled: false }), precompress()],
  build: {
    outDir: "../../dist/web",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    // Every browser that has `light-dark()` also preloads modules by itself.
    modulePreload: { polyfill: false },
    // How long compressing took is no news for whoever starts the product.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  // `npx vite src/web` develops the page against a twin that runs beside it.
  server: { proxy: { "/api": "http://127.0.0.1:8780" } },
});

/**
 * Puts each file beside itself in compressed form, so that the twin sends it without work. Browsers
 * take brotli only over TLS or from this machine, hence both. It reads what was written: until then
 * Vite still has placeholders in the code.
 */
function precompress(): Plugin {
  return {
    name: "precompress",
    writeBundle({ dir = "" }, bundle) {
      for (const name of Object.keys(bundle)) {
        const path = join(dir, name);
        const content = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(content));
        writeFileSync(`${path}.gz`, gzipSync(content));
      }
    },
  };
}
