/**
 * Builds the page into dist/web, where the twin serves it from its own origin.
 *
 * Nothing is inlined: the page's policy is `default-src 'self'`, which refuses data: addresses too. A twin
 * that runs may be serving the page meanwhile: no file of it is ever half there.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact({ devToolsEnabled: false }), nameShell(), precompress(), replaceWhole()],
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

/** Builds beside the folder, moves each file to its place, the page last, and then takes away what is old. */
function replaceWhole(): Plugin {
  let [place, made, empties] = ["", "", true];
  return {
    name: "replace-whole",
    apply: "build",
    config({ root = import.meta.dirname, build = {} }) {
      place = resolve(root, build.outDir ?? "dist");
      empties = build.emptyOutDir !== false;
      mkdirSync(dirname(place), { recursive: true });
      made = mkdtempSync(`${place}-`);
      return { build: { outDir: made } };
    },
    closeBundle: {
      order: "post",
      sequential: true,
      handler() {
        const files = filesIn(made);
        const index = files.indexOf("index.html");
        // A build that failed has no page, and replaces none.
        if (index !== -1)
          for (const file of [...files.toSpliced(index, 1), "index.html"]) {
            mkdirSync(dirname(join(place, file)), { recursive: true });
            renameSync(join(made, file), join(place, file));
          }
        if (index !== -1 && empties)
          for (const file of filesIn(place))
            if (!files.includes(file)) rmSync(join(place, file), { force: true });
        rmSync(made, { recursive: true, force: true });
      },
    },
  };
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
