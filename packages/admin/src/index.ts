/// <reference types="node" preserve="true" />
/** `@hawser/admin`: health probes, metrics and a live dashboard, on a listener of their own. */

export { type Admin, type AdminListening, createAdmin } from "./admin.js";
export { type AdminOptions, allowedHostsRule, tokenRule } from "./options.js";
export { answerHealth } from "./health.js";
export { LogTail } from "./log-tail.js";
export { type AdminLogEvent, adminLogEvents } from "./log.js";
