import type * as Http from "node:http";
import type * as Https from "node:https";
import { createRequire } from "node:module";
import type * as Tls from "node:tls";

// Required, and not imported: the import statement reads everything that a module exports, and one export of `node:http`, `WebSocket`,
// makes Node 22 and later load all of undici. That is 2.4 MB of heap, which every full collection has to go through.
const require = createRequire(import.meta.url);

export const http: typeof Http = require("node:http") as typeof Http;

/** Loaded for those who use it. */
export function loadHttps(): typeof Https {
  return require("node:https") as typeof Https;
}

/** Loaded for those who use it. */
export function loadTls(): typeof Tls {
  return require("node:tls") as typeof Tls;
}
