/// <reference types="node" preserve="true" />
/** `hawser/metrics`: what a server does, as text for Prometheus. */

export { createMetrics, type Metrics } from "./metrics.js";
