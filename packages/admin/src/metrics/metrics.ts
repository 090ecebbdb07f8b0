import type { Server } from "hawser";
import { version } from "../generated/version.js";
import { addHubMetrics, type CountedHub } from "./hub-metrics.js";
import { KeptMetrics } from "./kept.js";
import { addProcessMetrics } from "./process-metrics.js";
import { addServerMetrics } from "./server-metrics.js";

/** A server's metrics, in the text format that Prometheus scrapes. */
export interface Metrics {
  /** The `Content-Type` that goes with `text()`. */
  readonly contentType: string;
  /** All metrics as they are now. What it costs does not depend on how many clients there are or what they send. */
  text(): Promise<string>;
  /** Ends what is measured all the time: the event loop's delay. The text can still be asked for. */
  stop(): void;
}

export interface MetricsOptions {
  /** What `createHub` returned: then there are metrics of it as well. */
  readonly hub?: CountedHub | undefined;
}

/**
 * Metrics of one server. What they are called is in docs/metrics.md.
 * @param server what `createServer` returned
 */
export function createMetrics<Data>(server: Server<Data>, { hub }: MetricsOptions = {}): Metrics {
  const kept = new KeptMetrics();
  kept.gauge("hawser_build_info", "1, with the versions.", () => 1, { version, node: process.version });
  addServerMetrics(kept, server);
  if (hub !== undefined) addHubMetrics(kept, hub);
  const stop = addProcessMetrics(kept);
  return { contentType: "text/plain; version=0.0.4; charset=utf-8", text: async () => kept.text(), stop };
}
