/**
 * Builds the page into dist/web, where the twin serves it from its own origin.
 *
 * Nothing is inlined: the page's policy is `default-src 'self'`, which refuses data: addresses too.
 */
import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact({ devToolsEnabled: false })],
  build: {
    outDir: "../../dist/web",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    // Every browser that has `light-dark()` also preloads modules by itself.
    modulePreload: { polyfill: false },
  },
  // `npx vite src/web` develops the page against a twin that runs beside it.
  server: { proxy: { "/api": "http://127.0.0.1:8780" } },
});
