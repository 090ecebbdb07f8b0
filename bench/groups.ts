/**
 * The closed loop that every throughput workload is: a group of members, and a batch of messages that is sent when all of them have
 * got the last one. An echo is a group of one client that talks to itself; a room's members take turns at publishing; a fan-out is one
 * large group whose publisher is outside of it and whose members may be spread over all threads.
 */

import type { RecordableHistogram } from "node:perf_hooks";
import type { Connection } from "./connection.js";
import { FrameCounter } from "./frame-counter.js";

export interface GroupPlan {
  /** The batch: `inFlight` encoded messages, one after another. */
  readonly batch: Buffer;
  readonly inFlight: number;
  /** Bytes that one member gets for the whole batch; null where that is not known: then frames are counted. */
  readonly replyBytes: number | null;
}

/** What the threads that share a group know together: how many of them still wait, and when the batch was sent. */
export interface Shared {
  readonly waiting: Int32Array;
  readonly sentAt: Float64Array;
  readonly threads: number;
}

export class Group {
  readonly #plan: GroupPlan;
  readonly #shared: Shared;
  readonly #publishers: readonly Connection[];
  readonly #expected: number;
  readonly #deliveries: number;
  readonly #latency: RecordableHistogram;
  #missing: number;
  #turn = 0;
  /** Messages that members got: whole batches. */
  delivered = 0;

  constructor(
    plan: GroupPlan,
    shared: Shared,
    members: readonly Connection[],
    publishers: readonly Connection[],
    latency: RecordableHistogram,
  ) {
    this.#plan = plan;
    this.#shared = shared;
    this.#publishers = publishers;
    this.#latency = latency;
    this.#deliveries = members.length * plan.inFlight;
    this.#expected = plan.replyBytes === null ? this.#deliveries : members.length * plan.replyBytes;
    this.#missing = this.#expected;
    for (const member of members) {
      if (plan.replyBytes === null) {
        const counter = new FrameCounter();
        member.onBytes = (length, bytes) => this.#received(counter.count(bytes, length));
      } else {
        member.onBytes = (length) => this.#received(length);
      }
    }
  }

  publish(): void {
    this.#shared.sentAt[0] = now();
    this.#publishers[this.#turn++ % this.#publishers.length]!.write(this.#plan.batch);
  }

  #received(units: number): void {
    this.#missing -= units;
    if (this.#missing > 0) return;
    this.delivered += this.#deliveries;
    // Before anyone can publish again: the next batch may be here before we look.
    this.#missing = this.#expected;
    if (Atomics.sub(this.#shared.waiting, 0, 1) > 1) return;
    Atomics.store(this.#shared.waiting, 0, this.#shared.threads);
    this.#latency.record(Math.max(1, Math.round((now() - this.#shared.sentAt[0]!) * 1e6)));
    this.publish();
  }
}

/** Milliseconds, the same in all threads. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
