/** Plain HTTP on the admin listener: the probes, the metrics, and the dashboard's files. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Metrics } from "./metrics/index.js";
import { type Access, addressOf } from "./access.js";
import { type Asset, protectiveHeaders } from "./assets.js";
import { answerHealth, type HealthOptions, type Probed } from "./health.js";
import type { AdminLog } from "./log.js";
import { bearerToken, type TokenGate } from "./token.js";

export interface AdminHttpContext {
  readonly server: Probed;
  readonly health: () => HealthOptions;
  readonly access: Access;
  readonly gate: TokenGate;
  readonly metrics: Metrics;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly log: AdminLog;
}

export function adminHandler(
  context: AdminHttpContext,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    // A body is of no use here, and unread it would keep the connection from its next request.
    request.resume();
    const path = (request.url ?? "").split("?", 1)[0]!;
    const refused = context.access.refuse(request);
    if (refused !== null) {
      const { status, reason, message } = refused;
      context.log.refused({ address: addressOf(request), path: path.slice(0, 256), status, reason });
      return say(response, status, message);
    }
    if (answerHealth(context.server, request, response, context.health())) return;
    if (request.method !== "GET" && request.method !== "HEAD") {
      return say(response, 405, "GET and HEAD are the methods here", { Allow: "GET, HEAD" });
    }
    if (path === "/metrics") return answerMetrics(context, request, response);
    if (path === "/live")
      return say(response, 426, "This is a WebSocket.", { Upgrade: "websocket", Connection: "Upgrade" });
    const asset = context.assets.get(path);
    if (asset === undefined) return say(response, 404, "There is nothing here. The dashboard is at /");
    response.writeHead(200, asset.headers).end(asset.body);
  };
}

const TOO_MANY = "Too many wrong tokens: wait.";

async function answerMetrics(
  { access, gate, metrics }: AdminHttpContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!access.mayRead(request)) {
    const token = bearerToken(request);
    const verdict = token === undefined ? "none" : gate.check(token, addressOf(request));
    if (verdict === "limited") return say(response, 429, TOO_MANY, { "Retry-After": "10" });
    if (verdict !== "right") {
      const challenge = { "WWW-Authenticate": 'Bearer realm="hawser admin"' };
      return say(response, 401, "This needs the admin token: Authorization: Bearer …", challenge);
    }
  }
  const body = await metrics.text();
  response
    .writeHead(200, {
      ...protectiveHeaders,
      "Content-Type": metrics.contentType,
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
    })
    .end(body);
}

function say(response: ServerResponse, status: number, line: string, more: Record<string, string> = {}): void {
  const body = `${line}\n`;
  response
    .writeHead(status, {
      ...protectiveHeaders,
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
      ...more,
    })
    .end(body);
}
