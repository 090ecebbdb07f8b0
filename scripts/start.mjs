// `npm start`: installs and builds what is missing, then serves in this same process, so that Ctrl+C and SIGTERM reach the
// server itself and nothing stands between it and its exit code.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

await prepare(["src"]);

// npm runs us through a shell. Where that shell does not hand a signal on, it dies and leaves us behind: stop then too.
if (process.env.npm_lifecycle_event === "start") {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
  }, 500).unref();
}

const main = join(root, "dist/cli/main.js");
process.argv = [process.execPath, main, "serve", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
