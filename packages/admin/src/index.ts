/// <reference types="node" preserve="true" />
/** `@hawser/admin`: health probes, metrics and a live dashboard, on a listener of their own. */

export { type Admin, type AdminListening, createAdmin } from "./admin.js";
export { type AdminOptions, allowedHostsRule, engineGraceRule, readyWithoutEngineRule, tokenRule } from "./options.js";
export { Gathered, type GatheredPort, type Reporter } from "./workers/gathered.js";
export { type ClientOrder, obey } from "./workers/order.js";
export { type ClientReport, reportOf, type WorkerReport } from "./workers/report.js";
export { answerHealth, type HealthOptions, type Probed, type ProbedEngine, type ProbedHub } from "./health.js";
export type { AdminHub } from "./hub.js";
export type { NodeReport, NodeState } from "./nodes.js";
export { LogTail } from "./log-tail.js";
export { type AdminLogEvent, adminLogEvents } from "./log.js";
