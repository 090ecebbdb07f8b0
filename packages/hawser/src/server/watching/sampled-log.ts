import type { Logger } from "../api/logger.js";
import type { Clock } from "../base/clock.js";

/** Lines of one kind that are written each second; what a stranger provokes must not fill the disk. */
const LINES_PER_SECOND = 10;

/**
 * Lines that anybody can provoke without being a client, thinned out per kind: the first ones of each second are written, and how
 * many were left out follows in one `log-sampled` line.
 */
export class SampledLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { since: number; lines: number }>();
  #stopTimer: (() => void) | null = null;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(kind: string, fields: object, message: string): void {
    if (this.#mayWrite(kind)) this.#log.warn(fields, message);
  }

  error(kind: string, fields: object, message: string): void {
    if (this.#mayWrite(kind)) this.#log.error(fields, message);
  }

  #mayWrite(kind: string): boolean {
    const now = this.#clock.now();
    let seen = this.#kinds.get(kind);
    if (seen === undefined || now - seen.since >= 1000) {
      this.#report(kind, seen);
      this.#kinds.set(kind, (seen = { since: now, lines: 0 }));
    }
    if (++seen.lines <= LINES_PER_SECOND) return true;
    this.#stopTimer ??= this.#clock.every(1000, () => this.#flush(this.#clock.now()));
    return false;
  }

  /** Reports what was left out so far: the log ends here. */
  end(): void {
    this.#flush(Infinity);
  }

  #flush(now: number): void {
    for (const [kind, seen] of this.#kinds) {
      if (now - seen.since < 1000) continue;
      this.#kinds.delete(kind);
      this.#report(kind, seen);
    }
    if (this.#kinds.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #report(kind: string, seen: { lines: number } | undefined): void {
    const omitted = (seen?.lines ?? 0) - LINES_PER_SECOND;
    if (omitted > 0)
      this.#log.warn({ event: "log-sampled", of: kind, omitted }, `${omitted} more lines of ${kind} were left out`);
  }
}
