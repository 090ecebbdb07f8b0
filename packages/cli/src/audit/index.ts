/** The audit of a WebSocket server against the ten practices. */

export { audit } from "./audit.js";
export type { Verdict } from "./check.js";
export { formatJunit } from "./junit.js";
export type { AuditOptions } from "./options.js";
export { practices, type PracticeNumber } from "./practices.js";
export type { CheckResult, PracticeResult, Report } from "./report.js";
export { formatTable, type TableOptions } from "./table.js";
