import type * as Http from "node:http";
import type * as Http2 from "node:http2";
import type * as Https from "node:https";
import type * as Tls from "node:tls";

// Not imported: the import statement reads everything that a module exports, and one export of `node:http`, `WebSocket`, makes Node 22
// and later load all of undici. That is 2.4 MB of heap, which every full collection has to go through.
export const http: typeof Http = process.getBuiltinModule("node:http");

/** Loaded for those who use it. */
export function loadHttps(): typeof Https {
  return process.getBuiltinModule("node:https");
}

/** Loaded for those who use it. */
export function loadHttp2(): typeof Http2 {
  return process.getBuiltinModule("node:http2");
}

/** Loaded for those who use it. */
export function loadTls(): typeof Tls {
  return process.getBuiltinModule("node:tls");
}
