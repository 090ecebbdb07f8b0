/** `hawser serve` from its start to its end: listen, wait for a reason to stop, shut down, say how it went. */
import { createServer, optionRules, type Server } from "../index.js";
import type { Configuration } from "./configure.js";
import { exitNow } from "./exit.js";
import { onFaults } from "./faults.js";
import { listenErrorText } from "./listen-error.js";
import { type Log, openLog } from "./log.js";
import { pageHandler } from "./page.js";
import { reloadTls } from "./reload.js";
import { echo, rooms } from "./rooms.js";
import { onSignals } from "./signals.js";
import { readTls, type TlsFiles } from "./tls-files.js";
import { welcome } from "./welcome.js";

const OK = 0;
const FAILED = 1;
/** How long past its grace a shutdown may take before it counts as stuck. The server bounds it: this is for a fault there. */
const STUCK_MS = 5000;

/** Runs the server; returns the process's exit code. `tls` names the certificate's files, if any. */
export async function serve(configuration: Configuration, tls: TlsFiles | undefined): Promise<number> {
  const { own, server: options } = configuration;
  const log = openLog(options.logLevel ?? "info", own.logFormat);
  const server = makeServer(configuration, tls, log);
  // Before anything listens, so that a signal that comes early finds its handler.
  const stopped = waitForStop(server, tls, log);

  const listening = server.listen(own.port, own.host).then(({ url }) => {
    if (log.isPretty) log.say(welcome(url, own, options.path));
  });
  try {
    await Promise.race([listening, stopped]);
  } catch (error) {
    process.stderr.write(`hawser: ${listenErrorText(error, own.host, own.port)}\n`);
    return FAILED;
  }

  const exitCode = await stopped;
  const graceMs = options.shutdownGraceMs ?? Number(optionRules.shutdownGraceMs.default);
  const stuck = setTimeout(() => exitNow(FAILED, log.terminalFault()), graceMs + STUCK_MS);
  await server.close();
  await log.flush();
  clearTimeout(stuck);
  const fault = log.terminalFault();
  if (fault !== undefined) exitNow(exitCode, fault);
  return exitCode;
}

function makeServer({ own, server: options }: Configuration, tls: TlsFiles | undefined, log: Log): Server<string> {
  const server: Server<string> = createServer<string>({
    ...options,
    ...(own.echo ? echo() : rooms(() => server)),
    ...(own.page ? { request: pageHandler({ echo: own.echo, path: options.path }) } : {}),
    ...(tls === undefined ? {} : { tls: readTls(tls) }),
    logger: log.logger,
  });
  return server;
}

/** Resolves with the exit code once there is a reason to stop. */
function waitForStop(server: Server<string>, tls: TlsFiles | undefined, log: Log): Promise<number> {
  return new Promise((stop) => {
    const stopFor = (signal: string): void => {
      log.logger.info({ event: "signal", signal }, `${signal}: shutting down`);
      stop(OK);
    };
    onSignals(process, {
      stop: stopFor,
      stopAtOnce: (exitCode) => exitNow(exitCode, log.terminalFault()),
      // A terminal that is closed sends SIGHUP as well: then nobody is there to stop the server later.
      hangUp: () => (log.terminalFault() === "gone" ? stopFor("SIGHUP") : reloadTls(server, tls, log.logger)),
    });
    onFaults(process, log.logger, () => stop(FAILED));
  });
}
