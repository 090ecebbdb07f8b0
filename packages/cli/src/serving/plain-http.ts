/** What the main port answers to plain HTTP: the probes where they are wanted, the page, else that it is a WebSocket server. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerHealth } from "@hawser/admin";
import type { Server } from "hawser";
import type { OwnValues } from "../config/configure.js";
import { pageHandler } from "./page.js";

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** The `request` option; none where the library's own answer does. `path` is the only path that takes WebSockets, if there is such. */
export function plainHttp(
  server: () => Server<string>,
  own: OwnValues,
  path: string | undefined,
): { request?: RequestHandler } {
  const page = own.page ? pageHandler({ echo: own.echo, path }) : undefined;
  if (!own.healthOnMainPort) return page === undefined ? {} : { request: page };
  return {
    request(request, response) {
      if (!answerHealth(server(), request, response)) (page ?? upgradeRequired)(request, response);
    },
  };
}

/** As the library answers where it has no handler. RFC 9110 15.5.22: 426 tells what to upgrade to. */
function upgradeRequired(_request: IncomingMessage, response: ServerResponse): void {
  response
    .writeHead(426, { Upgrade: "websocket", Connection: "Upgrade, close", "Content-Type": "text/plain; charset=utf-8" })
    .end("This is a WebSocket server.\n");
}
