/** What a page has to load for a client library. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Bundle } from "./results.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The libraries of others are the benchmark's own dependencies. */
const libraries = [
  { name: "@hawser/client/core", from: "./packages/client/dist/core.js", what: "connect" },
  { name: "@hawser/client", from: "./packages/client/dist/index.js", what: "connect" },
  { name: "centrifuge", from: "centrifuge", what: "Centrifuge" },
  { name: "socket.io-client", from: "socket.io-client", what: "io" },
];

/** Minified by esbuild and compressed by gzip -9. */
export function measureBundles(): Promise<Bundle[]> {
  return Promise.all(
    libraries.map(async ({ name, from, what }) => {
      const { outputFiles } = await build({
        stdin: {
          contents: `export { ${what} } from ${JSON.stringify(from)};`,
          resolveDir: from.startsWith(".") ? root : join(root, "bench"),
        },
        bundle: true,
        minify: true,
        format: "esm",
        platform: "browser",
        write: false,
        logLevel: "silent",
      });
      return { name, bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length };
    }),
  );
}
