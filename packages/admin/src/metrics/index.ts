/// <reference types="node" preserve="true" />
/** `@hawser/admin/metrics`: what a server does, as text for Prometheus. */

export type { CountedHub } from "./hub-metrics.js";
export { createMetrics, type Metrics, type MetricsOptions } from "./metrics.js";
