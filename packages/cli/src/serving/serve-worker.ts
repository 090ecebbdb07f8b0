/** `hawser serve --workers` in one of its workers: it serves until its supervisor says otherwise. */
import { obey, reportOf } from "@hawser/admin";
import { createMetrics } from "@hawser/admin/metrics";
import { systemClock } from "hawser";
import { startWorker } from "hawser/workers";
import type { Configuration } from "../config/configure.js";
import type { TlsFiles } from "../config/tls-files.js";
import { openLog } from "../log/log.js";
import { brokerOf } from "./broker.js";
import { onFaults } from "./faults.js";
import { makeHub } from "./hub.js";
import { listenErrorText } from "./listen-error.js";
import { makeServer } from "./make-server.js";
import { sharedHub, sharedOptions } from "./shares.js";

const FAILED = 1;

/** Returns the process's exit code. */
export async function serveWorker(configuration: Configuration, tls: TlsFiles | undefined): Promise<number> {
  const { own, server: options, place } = configuration;
  const log = openLog(options.logLevel ?? "info", "json");
  let isFaulty = false;
  const exitCode = await startWorker(async (worker) => {
    const hub = own.echo ? null : await makeHub(own, log, sharedHub(worker, await brokerOf(own)));
    const server = makeServer({ ...configuration, server: sharedOptions(options, worker) }, tls, hub, log);
    if (own.adminPort !== undefined) {
      const metrics = createMetrics(server, { hub: hub?.hub });
      worker.report(() => reportOf(server, metrics, systemClock.now(), hub?.hub));
      worker.receive((message) => obey(server.clients, message));
    }
    onFaults(process, log.logger, () => {
      isFaulty = true;
      // Ends it in good order, as if somebody else had sent it.
      process.kill(process.pid, "SIGTERM");
    });
    await worker.listen(server).catch((error: unknown) => {
      throw new Error(listenErrorText(error, place), { cause: error });
    });
    return {
      async close() {
        await server.close();
        await hub?.hub.close();
        await log.flush();
      },
    };
  }).catch((error: unknown) => {
    process.stderr.write(`hawser: ${(error as Error).message}\n`);
    return FAILED;
  });
  return isFaulty ? FAILED : exitCode;
}
