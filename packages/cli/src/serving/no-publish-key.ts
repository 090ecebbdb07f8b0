/** The HTTP API where nobody has configured its key: its document can be read, and the rest says what is missing. */
import { STATUS_CODES } from "node:http";
import type { HubHttpListener } from "hawser/hub";

const STATUS = 501;

export function withoutPublishKey(base: string, listener: HubHttpListener): HubHttpListener {
  // RFC 9457, with the word for it that the API has.
  const body = JSON.stringify({
    type: "about:blank",
    title: STATUS_CODES[STATUS],
    status: STATUS,
    detail: "no publish key is configured: start the server with one in HAWSER_PUBLISH_KEY",
    code: "unsupported",
  });
  return (request, response) => {
    if (request.method !== "POST" || !(request.url ?? "").startsWith(`${base}/`)) return listener(request, response);
    request.resume();
    response
      .writeHead(STATUS, {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": "application/problem+json",
        "Content-Length": Buffer.byteLength(body),
        // A body of any length is not waited for. Over HTTP/2 that is one stream's affair.
        ...(request.httpVersionMajor >= 2 ? {} : { Connection: "close" }),
      })
      .end(body);
    return true;
  };
}
