// `npm start`: installs and builds what is missing, then serves in this same process, so that Ctrl+C and SIGTERM reach the
// server itself and nothing stands between it and its exit code.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

await prepare();

const main = join(root, "packages/cli/bin/hawser.js");
process.argv = [process.execPath, main, "serve", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
