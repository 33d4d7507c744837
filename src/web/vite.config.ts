/**
 * Builds the page into dist/web, where the twin serves it from its own origin.
 *
 * Nothing is inlined: the page's policy is `default-src 'self'`, which refuses data: addresses too.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact({ devToolsEnabled: false }), nameShell(), precompress()],
  build: {
    outDir: "../../dist/web",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    // Every browser that has `light-dark()` also preloads modules by itself.
    modulePreload: { polyfill: false },
    // How long compressing took is no news for whoever starts the product.
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: {
        index: `${import.meta.dirname}/index.html`,
        "service-worker": `${import.meta.dirname}/offline/service-worker.ts`,
      },
      output: {
        // A browser asks for a service worker by one name for ever.
        entryFileNames: ({ name }) =>
          name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js",
      },
    },
  },
  // `npx vite src/web` develops the page against a twin that runs beside it.
  server: { proxy: { "/api": "http://127.0.0.1:8780" } },
});

/** Tells the service worker which files this build has, and what to call it. */
function nameShell(): Plugin {
  const worker = "service-worker.js";
  return {
    name: "name-shell",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const pub = readdirSync(join(import.meta.dirname, "public"));
        const files = [...Object.keys(bundle).filter((name) => name !== worker), ...pub];
        const listed = files.filter((name) => !name.endsWith(".map")).map((name) => `/${name}`);
        const chunk = bundle[worker];
        if (chunk?.type !== "chunk") throw new Error("the build has no service worker");
        const build = createHash("sha256");
        for (const name of Object.keys(bundle).sort()) {
          const made = bundle[name];
          build.update(name).update(made?.type === "asset" ? made.source : (made?.code ?? ""));
        }
        const shell = { build: build.digest("hex").slice(0, 16), files: listed.sort() };
        chunk.code = `const SHELL = ${JSON.stringify(shell)};\n${chunk.code}`;
      },
    },
  };
}

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
