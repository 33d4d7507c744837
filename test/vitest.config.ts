import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    // Longer than `until` waits, which says what it was that did not come true.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The real programs are started some hundred times, and compile the same sources: half of a start.
    env: {
      NODE_COMPILE_CACHE: new URL("../node_modules/.cache/racktrace", import.meta.url).pathname,
    },
    // Two cores: real processes under test need one of them.
    maxWorkers: 2,
    reporters: process.env["CI"] ? ["default", "json"] : ["default"],
    outputFile: { json: ".racktrace/test-results.json" },
  },
});
