// `npm run build`: compiles src to dist; folders given as arguments (test, examples, bench) as well.

import { prepare } from "./prepare.mjs";

await prepare(process.argv.slice(2));
