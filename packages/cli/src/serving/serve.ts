/** `hawser serve` from its start to its end: listen, wait for a reason to stop, shut down, say how it went. */
import { LogTail } from "@hawser/admin";
import { onStopSignals, type Server } from "hawser";
import { optionRules } from "hawser/tools";
import type { Configuration } from "../config/configure.js";
import type { TlsFiles } from "../config/tls-files.js";
import { exitNow } from "../log/exit.js";
import { type Log, openLog } from "../log/log.js";
import { type CommandAdmin, makeAdmin } from "./admin.js";
import { brokerOf, checkBroker } from "./broker.js";
import { onFaults } from "./faults.js";
import { listenErrorText } from "./listen-error.js";
import { makeHub } from "./hub.js";
import { makeServer } from "./make-server.js";
import { reloadTls } from "./reload.js";
import type { Guest } from "./rooms.js";
import { stopWithNpm } from "./under-npm.js";
import { welcome } from "./welcome.js";

const OK = 0;
const FAILED = 1;
/** How long past its grace a shutdown may take before it counts as stuck. The server bounds it: this is for a fault there. */
export const STUCK_MS = 5000;

/** Runs the server; returns the process's exit code. `tls` names the certificate's files, if any. */
export async function serve(configuration: Configuration, tls: TlsFiles | undefined): Promise<number> {
  const { own, server: options } = configuration;
  const logTail = new LogTail();
  const onLine = own.adminPort === undefined ? undefined : (line: string): void => logTail.write(line);
  const log = openLog(options.logLevel ?? "info", own.logFormat, onLine);
  await checkBroker(own);
  const hub = own.echo ? null : await makeHub(own, log, { broker: await brokerOf(own) });
  const server = makeServer(configuration, tls, hub, log);
  const admin = makeAdmin(server, hub?.hub, own, log, logTail);
  // Before anything listens, so that a signal that comes early finds its handler.
  const stopped = waitForStop(server, tls, log);

  try {
    await Promise.race([listen(server, admin, configuration, log), stopped]);
  } catch (error) {
    process.stderr.write(`hawser: ${(error as Error).message}\n`);
    await hub?.hub.close();
    await admin?.close();
    return FAILED;
  }

  const exitCode = await stopped;
  const graceMs = options.shutdownGraceMs ?? Number(optionRules.shutdownGraceMs.default);
  const stuck = setTimeout(() => exitNow(FAILED, log.terminalFault()), graceMs + STUCK_MS);
  await server.close();
  await hub?.hub.close();
  // Last, so that /readyz can say until then that no new clients are taken.
  await admin?.close();
  await log.flush();
  clearTimeout(stuck);
  const fault = log.terminalFault();
  if (fault !== undefined) exitNow(exitCode, fault);
  return exitCode;
}

/** The admin listener first: it answers that the server lives and is not ready yet. @throws Error whose message is one line */
async function listen(
  server: Server<Guest>,
  admin: CommandAdmin | null,
  { own, place, server: { path } }: Configuration,
  log: Log,
): Promise<void> {
  await admin?.listen();
  const { url } = await server.listen(place).catch((error: unknown) => {
    throw new Error(listenErrorText(error, place), { cause: error });
  });
  admin?.clientsComeTo(url, path);
  const where = welcome(url, own, path);
  // Without the admin listener's line: there may be a token in it, and logs are kept.
  if (!log.isPretty) return log.logger.info({ event: "serving" }, where);
  log.say(where);
  if (admin !== null) log.say(admin.welcome());
}

/** Resolves with the exit code once there is a reason to stop. */
function waitForStop(server: Server<Guest>, tls: TlsFiles | undefined, log: Log): Promise<number> {
  return new Promise((stop) => {
    const stopFor = (signal: string): void => {
      log.logger.info({ event: "signal", signal }, `${signal}: shutting down`);
      stop(OK);
    };
    onStopSignals(process, {
      stop: stopFor,
      stopAtOnce: (exitCode) => exitNow(exitCode, log.terminalFault()),
    });
    process.on("SIGHUP", () => {
      // A terminal that is closed sends it as well: then nobody is there to stop the server later.
      if (log.terminalFault() === "gone") stopFor("SIGHUP");
      else reloadTls(server, tls, log.logger);
    });
    stopWithNpm(process.env);
    onFaults(process, log.logger, () => stop(FAILED));
  });
}
