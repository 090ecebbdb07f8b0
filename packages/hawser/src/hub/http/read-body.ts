import type { IncomingMessage } from "node:http";
import type { Clock } from "../../server/base/clock.js";
import type { Problem } from "./problem.js";

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly clock: Clock;
}

/** "gone": whoever sent it hung up. */
export type BodyResult = { readonly text: string } | { readonly problem: Problem } | "gone";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Reads a body of JSON, within its bounds. */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<BodyResult> {
  const wrongType = checkHeaders(request, limits.maxBodyBytes);
  if (wrongType !== undefined) return { problem: wrongType };
  const bytes = await collect(request, limits);
  if (!Buffer.isBuffer(bytes)) return bytes === "gone" ? bytes : { problem: bytes };
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    return { problem: { status: 400, code: "bad-request", detail: "the body has to be JSON in UTF-8" } };
  }
}

function checkHeaders({ headers, readableDidRead }: IncomingMessage, maxBodyBytes: number): Problem | undefined {
  if (!/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(headers["content-type"] ?? "")) {
    const accept = { "Accept-Post": "application/json" };
    return { status: 415, code: "unsupported", detail: "the body has to be application/json", headers: accept };
  }
  if (!/^(?:identity)?$/i.test(headers["content-encoding"] ?? "")) {
    const accept = { "Accept-Encoding": "identity" };
    return { status: 415, code: "unsupported", detail: "the body cannot be compressed", headers: accept };
  }
  if (Number(headers["content-length"] ?? 0) > maxBodyBytes) return tooLarge(maxBodyBytes);
  if (!readableDidRead) return undefined;
  return {
    status: 500,
    code: "failed",
    detail: "the body was read by something else: the hub's API comes before parsers of bodies",
  };
}

function collect(
  request: IncomingMessage,
  { maxBodyBytes, bodyTimeoutMs, clock }: BodyLimits,
): Promise<Buffer | Problem | "gone"> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (result: Buffer | Problem | "gone"): void => {
      stopTimer();
      request.off("data", take).off("end", end).off("close", gone);
      request.pause();
      resolve(result);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBodyBytes) finish(tooLarge(maxBodyBytes));
      else chunks.push(chunk);
    };
    const end = (): void => finish(Buffer.concat(chunks));
    const gone = (): void => finish("gone");
    const stopTimer = clock.every(bodyTimeoutMs, () => {
      finish({ status: 408, code: "timeout", detail: `the body was not here within ${bodyTimeoutMs} ms` });
    });
    // An error is always followed by close.
    request
      .on("data", take)
      .on("end", end)
      .on("close", gone)
      .on("error", () => {});
  });
}

function tooLarge(maxBodyBytes: number): Problem {
  return { status: 413, code: "too-big", detail: `the body has more than ${maxBodyBytes} bytes` };
}
