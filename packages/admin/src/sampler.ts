/** What the charts show: one sample a second, computed from counters, and the last ten minutes of them. */
import type { Clock } from "hawser";
import type { Lag } from "./event-loop.js";
import type { WatchedServer } from "./watched.js";
import { RoundTripSample } from "./round-trips.js";

/** What is sampled, in the order in which a sample has it. */
export const columns = [
  "time", // seconds since 1970
  "ready", // 1 while new clients are taken
  "connections",
  "messagesIn", // per second, as the next three
  "messagesOut",
  "bytesIn",
  "bytesOut",
  "rttMedian", // milliseconds; null before the first pong
  "rttP95",
  "backlog", // bytes
  "rss",
  "heap",
  "lagMean", // milliseconds
  "lagMax",
] as const;

export type Sample = readonly (number | null)[];

/** What the samples are of. */
export type Sampled = Pick<WatchedServer, "clients" | "stats" | "isReady" | "backlogBytes" | "memory">;

const PERIOD_MS = 1000;
const SAMPLES_KEPT = 600;

const counters = ["messagesIn", "messagesOut", "bytesIn", "bytesOut"] as const;

export class Sampler {
  readonly history: Sample[] = [];
  readonly #server: Sampled;
  readonly #lag: () => Lag;
  readonly #clock: Clock;
  readonly #roundTrips: RoundTripSample;
  #before: { at: number; totals: number[] };

  constructor(server: Sampled, lag: () => Lag, clock: Clock) {
    this.#server = server;
    this.#lag = lag;
    this.#clock = clock;
    this.#roundTrips = new RoundTripSample(server.clients);
    this.#before = this.#totals();
  }

  /** Samples each second. @returns what ends it */
  start(onSample: (sample: Sample) => void): () => void {
    this.#before = this.#totals();
    return this.#clock.every(PERIOD_MS, () => onSample(this.#take()));
  }

  #take(): Sample {
    const { at, totals } = this.#before;
    const now = (this.#before = this.#totals());
    const seconds = Math.max(1, now.at - at) / 1000;
    const { median, p95 } = this.#roundTrips.take();
    const { rss, heapUsed } = this.#server.memory?.() ?? process.memoryUsage();
    const lag = this.#lag();
    const sample = [
      Math.round(Date.now() / 100) / 10,
      this.#server.isReady ? 1 : 0,
      this.#server.clients.size,
      ...now.totals.map((total, index) => Math.round((total - totals[index]!) / seconds)),
      median,
      p95,
      this.#server.backlogBytes,
      rss,
      heapUsed,
      lag.mean,
      lag.max,
    ];
    if (this.history.push(sample) > SAMPLES_KEPT) this.history.shift();
    return sample;
  }

  #totals(): { at: number; totals: number[] } {
    return { at: this.#clock.now(), totals: counters.map((name) => this.#server.stats[name]) };
  }
}
