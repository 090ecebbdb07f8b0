import { type OutgoingHttpHeaders, STATUS_CODES } from "node:http";
import { Refuse } from "../server/api/refuse.js";
import type { Refusal, RefusalReason } from "../server/api/refusal.js";
import { headerOf, type RequestHead } from "../server/handshake/request.js";

/** What `ws` answers to a request that is no handshake, where it is another answer than the engine's. */
const answers: Partial<Record<RefusalReason, readonly [status: number, message: string]>> = {
  method: [405, "Invalid HTTP method"],
  "upgrade-missing": [400, "Invalid Upgrade header"],
  "upgrade-header": [400, "Invalid Upgrade header"],
  key: [400, "Missing or invalid Sec-WebSocket-Key header"],
  "version-missing": [400, "Missing or invalid Sec-WebSocket-Version header"],
  version: [400, "Missing or invalid Sec-WebSocket-Version header"],
  subprotocol: [400, "Invalid Sec-WebSocket-Protocol header"],
  extensions: [400, "Invalid or unacceptable Sec-WebSocket-Extensions header"],
};

/** Whether `wsClientError` tells of it: the request itself is wrong. */
export function isClientError({ reason }: Refusal): boolean {
  return reason in answers;
}

const KEY = /^[+/0-9A-Za-z]{22}==$/;

export function asAnswered(refused: Refusal, head: RequestHead): Refusal {
  const reason = firstFault(refused.reason, head);
  const [status, message] = answers[reason] ?? [refused.status, refused.message];
  return { ...refused, status, message };
}

/** Of a missing Upgrade `ws` tells before it looks at other headers, and of the key before the version. */
function firstFault(reason: RefusalReason, head: RequestHead): RefusalReason {
  if (reason === "host" && headerOf(head, "upgrade") === undefined) return "upgrade-missing";
  const isAboutVersion = reason === "version" || reason === "version-missing";
  return isAboutVersion && !KEY.test(headerOf(head, "sec-websocket-key") ?? "") ? "key" : reason;
}

/** What `verifyClient` refuses with: any status. */
export class NotVerified extends Refuse {
  override readonly status: number;

  constructor(status: number, message: string | undefined, headers: OutgoingHttpHeaders = {}) {
    super(400, message || STATUS_CODES[status], textHeaders(headers));
    this.status = status;
  }
}

function textHeaders(headers: OutgoingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value : String(value)]),
  );
}
