/** What a thread has counted. */
import { type Latencies, makeLatencies, recordMs } from "./histogram.js";
import type { Now } from "./shared-clock.js";

/** As it goes to the main thread. Counts are of the window that is measured, unless said otherwise. */
export interface Tally {
  readonly windowMs: number;
  readonly sent: number;
  readonly received: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** From the first message to the last: what a server counts. */
  readonly totalSent: number;
  readonly totalReceived: number;
  /** Messages that were no answer to ours, in all. */
  readonly foreign: number;
  /** Messages that were due in the window and had no answer at the end. The time they waited is among the latencies. */
  readonly unanswered: number;
  /** At the end of the window: messages that were due and had no answer yet. */
  readonly backlog: number;
  /** By room, in all. */
  readonly published: Readonly<Record<number, number>>;
  readonly delivered: Readonly<Record<number, number>>;
  readonly listeners: Readonly<Record<number, number>>;
  readonly opened: number;
  readonly closes: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly latency: Latencies;
  readonly handshake: Latencies;
  /** How late the generator itself was with what was due. */
  readonly lag: Latencies;
  /** Share of the window in which the thread had a processor for its work, 0 to 1. */
  readonly busy: number;
  /** Share of the window in which it had work to do. Where that is more, the machine was too busy to let it. */
  readonly occupied: number;
}

/** A thread's counters, and the window in which they count. */
export class Counters {
  readonly now: Now;
  sent = 0;
  received = 0;
  sentBytes = 0;
  receivedBytes = 0;
  foreign = 0;
  unanswered = 0;
  opened = 0;
  open = 0;
  readonly published: Record<number, number> = {};
  readonly delivered: Record<number, number> = {};
  readonly listeners: Record<number, number> = {};
  readonly closes: Record<string, number> = {};
  readonly errors: Record<string, number> = {};
  readonly latency: Latencies = makeLatencies();
  readonly handshake: Latencies = makeLatencies();
  readonly lag: Latencies = makeLatencies();
  /** Time that was spent in waiting for the next message to be due, in milliseconds. */
  idleMs = 0;
  #start = Number.POSITIVE_INFINITY;
  #end = Number.POSITIVE_INFINITY;

  constructor(now: Now) {
    this.now = now;
  }

  /** What is due from `start` until `end`, by the clock, is measured. */
  setWindow(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
  }

  inWindow(due: number): boolean {
    return due >= this.#start && due < this.#end;
  }

  countSent(bytes: number): void {
    this.sent++;
    this.sentBytes += bytes;
  }

  countReceived(bytes: number): void {
    this.received++;
    this.receivedBytes += bytes;
  }

  /** From when the message was due, not from when we came to send it: a stall must not hide what it delayed. */
  recordLatency(due: number): void {
    if (this.inWindow(due)) recordMs(this.latency, this.now() - due);
  }

  /** There will be no answer any more. That it has waited so long is known, and left out it would make the rest look better. */
  recordUnanswered(due: number): void {
    if (!this.inWindow(due)) return;
    this.unanswered++;
    recordMs(this.latency, this.now() - due);
  }

  recordLag(due: number): void {
    if (this.inWindow(due)) recordMs(this.lag, this.now() - due);
  }

  recordHandshake(milliseconds: number): void {
    recordMs(this.handshake, milliseconds);
  }

  countClose(name: string): void {
    this.closes[name] = (this.closes[name] ?? 0) + 1;
  }

  countError(kind: string): void {
    this.errors[kind] = (this.errors[kind] ?? 0) + 1;
  }

  snapshot(): Snapshot {
    const { sent, received, sentBytes, receivedBytes, idleMs } = this;
    return { at: this.now(), sent, received, sentBytes, receivedBytes, idleMs };
  }

  tally(from: Snapshot, to: Snapshot, rest: { backlog: number; activeMs: number; cpuMs: number }): Tally {
    const windowMs = Math.max(to.at - from.at, 0.001);
    const idleMs = to.idleMs - from.idleMs;
    const workMs = Math.max(0, rest.activeMs - idleMs);
    const share = (ms: number): number => Math.min(1, ms / windowMs);
    return {
      windowMs,
      sent: to.sent - from.sent,
      received: to.received - from.received,
      sentBytes: to.sentBytes - from.sentBytes,
      receivedBytes: to.receivedBytes - from.receivedBytes,
      totalSent: this.sent,
      totalReceived: this.received,
      foreign: this.foreign,
      unanswered: this.unanswered,
      backlog: rest.backlog,
      published: this.published,
      delivered: this.delivered,
      listeners: this.listeners,
      opened: this.opened,
      closes: this.closes,
      errors: this.errors,
      latency: this.latency,
      handshake: this.handshake,
      lag: this.lag,
      // Of its processor time, as much was for waiting as of the time in all.
      busy: rest.activeMs === 0 ? 0 : share((rest.cpuMs * workMs) / rest.activeMs),
      occupied: share(workMs),
    };
  }
}

export interface Snapshot {
  readonly at: number;
  readonly sent: number;
  readonly received: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly idleMs: number;
}
