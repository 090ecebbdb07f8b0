/** What the admin listener logs. */
import type { Clock, Logger } from "hawser";
import { guardedLog } from "hawser/tools";

export type AdminLogEvent =
  | "admin-listening"
  | "admin-action"
  | "admin-refused"
  | "admin-token-refused"
  | "admin-error";

/** Every event with its fields; docs/admin.md is held equal to it by a test. */
export const adminLogEvents: Readonly<Record<AdminLogEvent, readonly string[]>> = {
  "admin-listening": ["url", "host", "port", "token"],
  "admin-action": ["action", "id", "address", "result"],
  "admin-refused": ["address", "path", "status", "reason"],
  "admin-token-refused": ["address"],
  "admin-error": ["err"],
};

/** What the feed's `authenticate` refuses for. */
const refusedFor: Readonly<Record<string, string>> = { 421: "host", 403: "origin", 503: "places" };

/** Lines a second that strangers can provoke. */
const LINES_PER_SECOND = 10;

/** The log of the admin listener. What can be provoked from outside is thinned out: the first lines of each second are written. */
export class AdminLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #second = { since: -Infinity, lines: 0 };

  constructor(log: Logger, clock: Clock) {
    this.#log = guardedLog(log);
    this.#clock = clock;
  }

  listening(fields: { url: string; host: string; port: number; token?: string }): void {
    this.#log.info({ event: "admin-listening", ...fields }, `the admin listener is on ${fields.url}`);
  }

  action(fields: { action: string; id: string; address: string; result: string }): void {
    this.#log.info({ event: "admin-action", ...fields }, `an operator's action: ${fields.action}`);
  }

  refused(fields: { address: string; path: string; status: number; reason: string }): void {
    if (this.#mayWrite())
      this.#log.warn({ event: "admin-refused", ...fields }, "request to the admin listener refused");
  }

  tokenRefused(address: string): void {
    if (this.#mayWrite()) this.#log.warn({ event: "admin-token-refused", address }, "a wrong admin token");
  }

  /**
   * For the server that the listener itself is. Its dashboards are no clients: they do not come and go in the log, nor among the
   * numbers.
   */
  forOwnServer(): Logger {
    return {
      debug() {},
      info() {},
      warn: (fields) => {
        const { event, address, path, status, reason } = fields as Record<string, unknown>;
        // A wrong token has a line of its own.
        if (event !== "refused" || status === 401 || status === 429) return;
        this.refused({
          address: String(address),
          path: String(path),
          status: Number(status),
          reason: reason === "by-application" ? (refusedFor[String(status)] ?? "") : String(reason),
        });
      },
      error: (fields) => {
        const { err } = fields as { err?: unknown };
        if (this.#mayWrite()) this.#log.error({ event: "admin-error", err }, "the admin listener failed");
      },
    };
  }

  #mayWrite(): boolean {
    const now = this.#clock.now();
    if (now - this.#second.since >= 1000) this.#second = { since: now, lines: 0 };
    return ++this.#second.lines <= LINES_PER_SECOND;
  }
}
