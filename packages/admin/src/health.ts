/** The probes of balancers and orchestrators: does the process live, and does it take new clients? */
import type { IncomingMessage, ServerResponse } from "node:http";

/** What the probes need of a server. */
export interface Probed {
  readonly isReady: boolean;
}

/**
 * Answers `/healthz` (200 as long as the process can answer) and `/readyz` (200 while new clients are taken, else 503: before it
 * listens, and from the first moment of a shutdown).
 * @returns whether the request was one of them; otherwise nothing has been done
 */
export function answerHealth(server: Probed, request: IncomingMessage, response: ServerResponse): boolean {
  const path = (request.url ?? "").split("?", 1)[0];
  if (path !== "/healthz" && path !== "/readyz") return false;
  request.resume();
  if (request.method !== "GET" && request.method !== "HEAD") {
    answer(response, 405, "GET and HEAD are the methods here", { Allow: "GET, HEAD" });
  } else if (path === "/healthz") answer(response, 200, "ok");
  else if (server.isReady) answer(response, 200, "ready");
  else answer(response, 503, "not ready: no new clients are taken");
  return true;
}

function answer(response: ServerResponse, status: number, line: string, more: Record<string, string> = {}): void {
  const body = `${line}\n`;
  response
    .writeHead(status, {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      ...more,
    })
    .end(body);
}
