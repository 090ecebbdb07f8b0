// `npm run build`: compiles the packages; folders given as arguments (test, examples, bench) instead.

import { packages, prepare } from "./prepare.mjs";

await prepare(process.argv.length > 2 ? process.argv.slice(2) : packages);
