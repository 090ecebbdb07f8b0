/// <reference types="node" preserve="true" />
/** `@hawser/admin/metrics`: what a server does, as text for Prometheus. */

export { createMetrics, type Metrics } from "./metrics.js";
