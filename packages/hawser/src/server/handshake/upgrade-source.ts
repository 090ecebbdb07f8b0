import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { UsageError } from "../base/usage-error.js";
import type { Listener } from "./host.js";

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What `attach` needs of an HTTP server: those of `node:http`, `node:https` and `node:http2` have it, and what frameworks make of them. */
export interface UpgradeSource extends Listener {
  on(event: "upgrade", listener: UpgradeListener): unknown;
  removeListener(event: "upgrade", listener: UpgradeListener): unknown;
  listenerCount(event: "upgrade" | "connect" | "request"): number;
  emit(event: "upgrade", request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

const METHODS = ["on", "removeListener", "listenerCount", "emit"];

/** What is given in place of an HTTP server, by a member that it has and no HTTP server has, and where its HTTP server is. */
const MISTAKEN: readonly [member: string, advice: string][] = [
  ["getHttpServer", "a Nest application: attach to `app.getHttpServer()`"],
  ["getRequestHandler", "a Next application: attach to the `http.createServer(…)` that calls its request handler"],
  ["httpServer", "an object that has the HTTP server in its `httpServer`: attach to that"],
  ["handleUpgrade", "a WebSocket server: attach to the HTTP server"],
  ["fetch", "an application without a server: attach to what `serve(…)` of @hono/node-server returns, say"],
  ["callback", "a Koa application: attach to what `app.listen()` returns, or to `http.createServer(app.callback())`"],
];

/** @param takesHttp2 whether WebSockets begin with HTTP/2 as well @throws UsageError that says what to attach to */
export function checkUpgradeSource(http: UpgradeSource, takesHttp2: boolean): void {
  if (takesHttp2 && speaksHttp2(http)) return;
  const wrong = mistakenFor(http);
  if (wrong !== null) throw new UsageError(`attach: takes an HTTP server, got ${wrong}`);
}

/** @returns null: it is what it should be */
function mistakenFor(given: unknown): string | null {
  if (typeof given === "function") {
    return "a function (an Express application?): attach to what `app.listen()` returns, or to `http.createServer(app)`";
  }
  if (typeof given !== "object" || given === null) return given === null ? "null" : typeof given;
  const members = given as Record<string, unknown>;
  for (const [member, advice] of MISTAKEN) if (member in given) return advice;
  if (METHODS.every((name) => typeof members[name] === "function"))
    return speaksHttp1(members) ? null : withoutHttp1(members);
  return typeof members["server"] === "object"
    ? "a Fastify instance, or something like it: attach to its `server`"
    : "an object that has no upgrade event: `http.createServer(…)` makes one that has";
}

/** What else has an `upgrade` event emits none. Of `node:http2` a secure server with `allowHTTP1` does, and it has this time limit as well. */
function speaksHttp1({ headersTimeout, closeAllConnections }: Record<string, unknown>): boolean {
  return typeof headersTimeout === "number" || typeof closeAllConnections === "function";
}

/** A server of `node:http2`, with or without HTTP/1.1 besides. */
function speaksHttp2(given: unknown): boolean {
  return (
    typeof given === "object" &&
    given !== null &&
    typeof (given as Record<string, unknown>)["updateSettings"] === "function"
  );
}

function withoutHttp1(given: Record<string, unknown>): string {
  const { getConnections } = given;
  if (speaksHttp2(given)) {
    return (
      "an HTTP/2 server that takes no HTTP/1.1, with which WebSockets begin: `http2.createSecureServer({ allowHTTP1: true, … })` makes " +
      "one that does, and with the option `http2` they begin with HTTP/2, too"
    );
  }
  return typeof getConnections === "function"
    ? "a server of `node:net` or `node:tls`, which speaks no HTTP: `http.createServer(…)` makes one that does"
    : "an object with events that is no HTTP server: `http.createServer(…)` makes one. For upgrades of your own there is `handleUpgrade`";
}
