import { textOf } from "../base/thrown.js";
import { http } from "../sockets/node-http.js";
import { checkedHeaders } from "./checked-headers.js";
import type { ExtraHeaders, HeaderPairs } from "./headers.js";
import type { Refusal } from "./refusal.js";

/** Those there are. Not by `instanceof`, which throws for a revoked proxy. */
const refuses = new WeakSet<object>();

/** What a `Refuse` asks for; null for whatever else was thrown. @throws what its members throw */
export function refusalOf(thrown: unknown): Refusal | null {
  if (!refuses.has(thrown as object)) return null;
  const { status, message, headers } = thrown as Refuse;
  return { status, reason: "by-application", message: textOf(message), headers };
}

/** Thrown by `authenticate` to refuse a client with an HTTP status. */
export class Refuse extends Error {
  override readonly name = "Refuse";
  readonly status: number;
  readonly headers: ExtraHeaders;

  /**
   * @param status 400 to 599
   * @param message sent to the client; the status' name if left out
   * @param headers of the response, as an object or as pairs, which a `Headers` is; several values make several lines. One of ours,
   *   `Content-Type`, is replaced
   * @throws RangeError for a status that no refusal has; UsageError for a header that no response can have, or that is the server's own
   */
  constructor(status: number, message?: string, headers: ExtraHeaders | HeaderPairs = {}) {
    super(message ?? http.STATUS_CODES[status] ?? "Refused");
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`Refuse: got status ${status}, takes 400 to 599`);
    }
    this.status = status;
    this.headers = checkedHeaders(headers);
    refuses.add(this);
  }
}
