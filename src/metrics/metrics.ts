import { readFileSync } from "node:fs";
import { Gauge, Registry } from "prom-client";
import type { Server } from "../index.js";
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

/**
 * Metrics of one server, in a registry of their own: they do not mix with what an application has in prom-client's. What they are
 * called is in docs/metrics.md.
 * @param server what `createServer` returned
 */
export function createMetrics<Data>(server: Server<Data>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: "hawser_build_info",
    help: "1, with the versions.",
    labelNames: ["version", "node"],
    registers,
  }).set({ version: version(), node: process.version }, 1);
  const kept = new KeptMetrics(registry);
  addServerMetrics(kept, server);
  const stop = addProcessMetrics(kept);
  return { contentType: registry.contentType, text: () => registry.metrics(), stop };
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
