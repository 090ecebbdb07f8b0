/** `hawser serve --workers`: starts the processes that serve, and sees to them until there is a reason to stop. */
import { Gathered, LogTail, type WorkerReport } from "@hawser/admin";
import { onStopSignals, systemClock } from "hawser";
import { optionRules } from "hawser/tools";
import { Supervisor } from "hawser/workers";
import { workerCount } from "../config/check-workers.js";
import type { Configuration } from "../config/configure.js";
import { readTls, type TlsFiles } from "../config/tls-files.js";
import { exitNow } from "../log/exit.js";
import { type Log, openLog } from "../log/log.js";
import { makeAdmin } from "./admin.js";
import { checkBroker } from "./broker.js";
import { onFaults } from "./faults.js";
import { listenErrorText } from "./listen-error.js";
import { STUCK_MS } from "./serve.js";
import { stopWithNpm } from "./under-npm.js";
import { welcome } from "./welcome.js";

const FAILED = 1;

/** Returns the process's exit code. @throws ConfigError when the certificate cannot be read */
export async function serveWorkers(configuration: Configuration, tls: TlsFiles | undefined): Promise<number> {
  const { own, server: options, place } = configuration;
  // Each worker reads it again. A mistake is one line here, and many there.
  if (tls !== undefined) readTls(tls);
  await checkBroker(own);
  const logTail = new LogTail();
  const onLine = own.adminPort === undefined ? undefined : (line: string): void => logTail.write(line);
  const log = openLog(options.logLevel ?? "info", own.logFormat, onLine);
  const gathered = new Gathered({
    isReady: () => supervisor.isReady,
    send: (pid, order) => void supervisor.send(pid, order),
    clock: systemClock,
  });
  const admin = makeAdmin(gathered, undefined, own, log, logTail);
  const graceMs = options.shutdownGraceMs ?? Number(optionRules.shutdownGraceMs.default);
  const workers = workerCount(own.workers)!;
  const supervisor: Supervisor = new Supervisor({
    workers,
    listen: place,
    drainTimeoutMs: graceMs + STUCK_MS,
    // The last ones count, whatever a config file says by then.
    args: [...process.argv.slice(2), "--workers", String(workers), "--log-format", "json"],
    logger: log.logger,
    onReport: (report, worker) => {
      if (report !== undefined) gathered.add(worker, report as WorkerReport);
    },
    onEnd: (worker) => gathered.end(worker),
    onLine: (line, worker) => {
      if (line.startsWith('{"worker":')) log.forward(line);
      else if (line !== "") log.logger.warn({ event: "worker-output", worker }, line);
    },
  });
  onSignals(supervisor, log);

  try {
    // First: it answers that this lives, and is not ready yet.
    await admin?.listen();
    const listening = await supervisor.start().catch((error: unknown) => {
      throw new Error(listenErrorText(error, place), { cause: error });
    });
    if (listening !== undefined) {
      admin?.clientsComeTo(listening.url, options.path);
      const where = `${welcome(listening.url, own, options.path)} - ${workers} workers`;
      if (log.isPretty) {
        log.say(where);
        if (admin !== null) log.say(admin.welcome());
      } else log.logger.info({ event: "serving" }, where);
    }
  } catch (error) {
    process.stderr.write(`hawser: ${(error as Error).message}\n`);
    await admin?.close();
    return FAILED;
  }

  const exitCode = await supervisor.ended;
  // Last, so that /readyz can say until then that no new clients are taken.
  await admin?.close();
  await log.flush();
  const fault = log.terminalFault();
  if (fault !== undefined) exitNow(exitCode, fault);
  return exitCode;
}

function onSignals(supervisor: Supervisor, log: Log): void {
  const stopFor = (signal: string): void => {
    log.logger.info({ event: "signal", signal }, `${signal}: shutting down`);
    void supervisor.stop();
  };
  onStopSignals(process, {
    stop: stopFor,
    stopAtOnce(exitCode) {
      supervisor.kill();
      exitNow(exitCode, log.terminalFault());
    },
  });
  process.on("SIGHUP", () => {
    // A terminal that is closed sends it as well: then nobody is there to stop the server later.
    if (log.terminalFault() === "gone") stopFor("SIGHUP");
    else void supervisor.restart();
  });
  stopWithNpm(process.env);
  onFaults(process, log.logger, () => void supervisor.stop(FAILED));
}
