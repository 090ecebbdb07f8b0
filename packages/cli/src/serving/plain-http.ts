/** What the main port answers to plain HTTP: the probes where they are wanted, the hub's API, the page, else that it is a WebSocket server. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerHealth } from "@hawser/admin";
import type { Server } from "hawser";
import type { OwnValues } from "../config/configure.js";
import type { CommandHub } from "./hub.js";
import { pageHandler } from "./page.js";

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The `request` option; none where the library's own answer does. `path` is the only path that takes WebSockets, if there is such.
 * @param hub null: there are no topics
 */
export function plainHttp<Data>(
  server: () => Server<Data>,
  hub: CommandHub | null,
  own: OwnValues,
  path: string | undefined,
): { request?: RequestHandler } {
  const health = { hub: own.readyWithoutEngine ? undefined : hub?.hub, engineGraceMs: own.engineGraceMs };
  const page = own.page ? pageHandler({ echo: own.echo, path }) : undefined;
  if (!own.healthOnMainPort && hub === null) return page === undefined ? {} : { request: page };
  return {
    request(request, response) {
      if (own.healthOnMainPort && answerHealth(server(), request, response, health)) return;
      if (hub?.http(request, response) === true) return;
      (page ?? upgradeRequired)(request, response);
    },
  };
}

/** As the library answers where it has no handler. RFC 9110 15.5.22: 426 tells what to upgrade to, which HTTP/2 does not. */
function upgradeRequired({ httpVersionMajor }: IncomingMessage, response: ServerResponse): void {
  const upgrade = httpVersionMajor >= 2 ? {} : { Upgrade: "websocket", Connection: "Upgrade, close" };
  response
    .writeHead(httpVersionMajor >= 2 ? 404 : 426, { ...upgrade, "Content-Type": "text/plain; charset=utf-8" })
    .end("This is a WebSocket server.\n");
}
