/** Several processes on one machine that share one port and the topics of one hub. */
export { runWorkers, type RunWorkersOptions } from "./run-workers.js";
export { Supervisor, type WorkerStatus } from "./supervisor.js";
export type { SupervisorOptions } from "./options.js";
export { isWorker, type Listener, startWorker, type Worker, workerBroker, type WorkerEnd } from "./worker.js";
