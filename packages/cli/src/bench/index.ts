/** `hawser bench`: a load generator for anyone's server. */

export type { Progress } from "./messages.js";
export type { LoadName, Plan } from "./plan.js";
export type { Report } from "./report.js";
export { reportText } from "./report-text.js";
export { runBench } from "./run.js";
