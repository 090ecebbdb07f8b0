// Installs and builds what a program needs, then runs it in this same process, so that Ctrl+C and SIGTERM reach it and nothing stands
// between it and its exit code: `node scripts/run.mjs build/test/fuzz.js ARGUMENTS`. --with-peers: the benchmark's are installed too.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installFolder, prepare, root } from "./prepare.mjs";

const withPeers = process.argv[2] === "--with-peers";
const [file, ...args] = process.argv.slice(withPeers ? 3 : 2);
const [, project] = /^(?:build\/)?(packages\/\w+|\w+)/.exec(file);
await prepare([project]);
if (withPeers) await installFolder("bench", "the benchmark's peers, Bun among them (some 110 MB)");

const program = join(root, file);
process.argv = [process.execPath, program, ...args];
await import(pathToFileURL(program).href);
