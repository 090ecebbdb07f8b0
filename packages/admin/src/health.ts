/** The probes of balancers and orchestrators: does the process live, and does it take new clients? */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EngineReport } from "hawser/hub";

/** What the probes need of a server. */
export interface Probed {
  readonly isReady: boolean;
}

export type ProbedEngine = Pick<EngineReport, "state" | "wasReached" | "forMs">;

/** What they need of a hub. */
export interface ProbedHub {
  readonly stats: { readonly engine: ProbedEngine };
}

export interface HealthOptions {
  /** Its engine has to be there. */
  readonly hub?: ProbedHub | undefined;
  /** The engine may be away for so long before `/readyz` says so: all nodes lose it together, and it most often comes back. @default 10000 */
  readonly engineGraceMs?: number | undefined;
}

export const ENGINE_GRACE_MS = 10_000;

/**
 * Answers `/healthz` (200 as long as the process can answer) and `/readyz` (200 while new clients are taken, else 503: before it
 * listens, from the first moment of a shutdown, and with a hub while its engine has not been reached or is away for longer than a grace).
 * @returns whether the request was one of them; otherwise nothing has been done
 */
export function answerHealth(
  server: Probed,
  request: IncomingMessage,
  response: ServerResponse,
  options: HealthOptions = {},
): boolean {
  const path = (request.url ?? "").split("?", 1)[0];
  if (path !== "/healthz" && path !== "/readyz") return false;
  request.resume();
  if (request.method !== "GET" && request.method !== "HEAD") {
    answer(response, 405, "GET and HEAD are the methods here", { Allow: "GET, HEAD" });
  } else if (path === "/healthz") answer(response, 200, "ok");
  else {
    const why = whyNotReady(server, options);
    if (why === undefined) answer(response, 200, "ready");
    else answer(response, 503, `not ready: ${why}`);
  }
  return true;
}

/** Nothing that the broker has said: anybody may be asking. */
function whyNotReady(server: Probed, { hub, engineGraceMs = ENGINE_GRACE_MS }: HealthOptions): string | undefined {
  if (!server.isReady) return "no new clients are taken";
  if (hub === undefined) return undefined;
  const { state, wasReached, forMs } = hub.stats.engine;
  if (state === "up") return undefined;
  if (!wasReached) return "the hub's engine has not been reached yet";
  return forMs < engineGraceMs ? undefined : `the hub's engine has been away for ${Math.round(forMs / 1000)} s`;
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
