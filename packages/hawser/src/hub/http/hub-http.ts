/** The hub for backends in any language: JSON by HTTP. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { FailedTries } from "../../server/base/failed-tries.js";
import { KeyRing } from "./keys.js";
import { openApi } from "./open-api.js";
import { isOperation, type OperationName, operations } from "./operations.js";
import { type HubHttpOptions, type ResolvedHubHttpOptions, resolveHubHttpOptions } from "./options.js";
import { parseBody } from "./parse-body.js";
import type { HubPort } from "./port.js";
import { failed, type Problem, PROBLEM_TYPE, problemBody, problemOf, timedOut } from "./problem.js";
import { readBody } from "./read-body.js";

/** @returns whether the request is one for the hub: then it is answered, sooner or later; else nothing has happened to it */
export type HubHttpListener = (request: IncomingMessage, response: ServerResponse) => boolean;

const protective = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const;

/** A body of this length is read to its end for the sake of the connection; behind a longer one the connection ends. */
const DRAINED_BYTES = 65_536;

/**
 * A listener for `node:http`, Express and their like, or the option `request` of a Hawser server.
 * @throws OptionError, UsageError
 */
export function hubHttp(hub: HubPort, options: HubHttpOptions): HubHttpListener {
  const resolved = resolveHubHttpOptions(options);
  const { base, keys, clock, onKeyRefused, maxRequests } = resolved;
  const ring = new KeyRing(keys, new FailedTries(clock), onKeyRefused);
  const document = JSON.stringify(openApi(base));
  const index = JSON.stringify({ openapi: `${base}/openapi.json` });
  let running = 0;

  function answerPost(name: OperationName, request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== "POST") return refuse(request, response, wrongMethod("POST"));
    const refused = ring.refuse(request, name);
    if (refused !== undefined) return refuse(request, response, refused);
    if (running >= maxRequests) return refuse(request, response, tooBusy);
    running++;
    void answerOperation(hub, name, request, response, resolved).finally(() => running--);
  }

  function answerGet(body: string, request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(request, response, wrongMethod("GET, HEAD"));
    }
    say(request, response, 200, "application/json", body, { Link: `<${base}/openapi.json>; rel="service-desc"` });
  }

  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (path !== base && !path.startsWith(`${base}/`)) return false;
    const name = path.slice(base.length + 1);
    if (path === base) answerGet(index, request, response);
    else if (name === "openapi.json") answerGet(document, request, response);
    else if (isOperation(name)) answerPost(name, request, response);
    else refuse(request, response, notFound(base));
    return true;
  };
}

async function answerOperation(
  hub: HubPort,
  name: OperationName,
  request: IncomingMessage,
  response: ServerResponse,
  options: ResolvedHubHttpOptions,
): Promise<void> {
  const body = await readBody(request, options);
  if (body === "gone") return;
  if ("problem" in body) return refuse(request, response, body.problem);
  const header = request.headers["idempotency-key"];
  const parsed = parseBody(operations[name], body.text, Array.isArray(header) ? header.join() : header);
  if ("detail" in parsed) return refuse(request, response, parsed);
  try {
    const answer = await within(options, operations[name].run(hub, parsed, options.timeoutMs));
    if (answer === "late") refuse(request, response, timedOut);
    else say(request, response, 200, "application/json", answer.text);
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) options.onFailure(name, error);
    refuse(request, response, problem ?? failed);
  }
}

/** A hub settles in time; one that does not still costs no more than this. */
function within(
  { timeoutMs, clock }: ResolvedHubHttpOptions,
  run: Promise<string>,
): Promise<{ text: string } | "late"> {
  return new Promise((resolve, reject) => {
    const stopTimer = clock.every(timeoutMs, () => {
      stopTimer();
      resolve("late");
    });
    run.finally(stopTimer).then((text) => resolve({ text }), reject);
  });
}

function wrongMethod(allowed: string): Problem {
  return { status: 405, code: "unsupported", detail: `${allowed} is the method here`, headers: { Allow: allowed } };
}

function notFound(base: string): Problem {
  return { status: 404, code: "unsupported", detail: `there is nothing here: ${base}/openapi.json says what there is` };
}

const tooBusy: Problem = {
  status: 503,
  code: "unavailable",
  detail: "too many requests are being worked on: nothing has happened",
  retryMs: 1000,
};

function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const { status, retryMs, headers = {} } = problem;
  const retry = retryMs === undefined ? {} : { "Retry-After": String(Math.max(1, Math.ceil(retryMs / 1000))) };
  say(request, response, status, PROBLEM_TYPE, problemBody(problem), { ...retry, ...headers });
}

function say(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed || response.headersSent) return;
  const goesOn = request.complete || isShort(request) || request.httpVersionMajor >= 2;
  const ending = goesOn ? {} : { Connection: "close" };
  if (!request.complete) request.resume();
  response
    .writeHead(status, {
      ...protective,
      "Content-Type": type,
      "Content-Length": Buffer.byteLength(body),
      ...ending,
      ...headers,
    })
    .end(body);
}

/** Whether what is left of a body is worth reading. */
function isShort({ headers }: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = headers;
  return encoding === undefined && Number(length ?? 0) <= DRAINED_BYTES;
}
