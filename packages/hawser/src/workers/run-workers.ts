import { onStopSignals } from "../server/signals.js";
import type { SupervisorOptions } from "./options.js";
import { Supervisor } from "./supervisor.js";
import { isWorker, startWorker, type Worker, type WorkerEnd } from "./worker.js";

export interface RunWorkersOptions extends SupervisorOptions {
  /** In each worker: makes its server, has it listen by `worker.listen`, and returns what is to be closed in the end. */
  readonly start: (worker: Worker) => Promise<WorkerEnd> | WorkerEnd;
}

/**
 * Runs this program in several processes. In the first one it is a supervisor, which starts the others and replaces those that die: on SIGHUP
 * one after another, on SIGTERM and SIGINT all of them end, and at once on a second signal. In the others it calls `start`.
 *
 *     process.exitCode = await runWorkers({ workers: "auto", listen: { port: 8080 }, start: async (worker) => { … } });
 *
 * @returns the exit code, when all has ended
 * @throws OptionError, UsageError; what `node:net` emits where nobody can listen; in a worker what `start` does
 */
export async function runWorkers({ start, ...options }: RunWorkersOptions): Promise<number> {
  if (isWorker()) return startWorker(start);
  const supervisor = new Supervisor(options);
  const restart = (): void => void supervisor.restart();
  const stopListening = onStopSignals(process, {
    stop: () => void supervisor.stop(),
    stopAtOnce(exitCode) {
      supervisor.kill();
      process.exit(exitCode);
    },
  });
  process.on("SIGHUP", restart);
  try {
    await supervisor.start();
    return await supervisor.ended;
  } finally {
    process.removeListener("SIGHUP", restart);
    stopListening();
  }
}
