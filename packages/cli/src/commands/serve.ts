/** `hawser serve`: its flags, and what it does with the configuration that comes out of them. */
import type { Command } from "commander";
import cluster from "node:cluster";
import { configurationReport } from "../config/check-config.js";
import { ConfigError, show } from "../config/config-error.js";
import { type Configuration, configure } from "../config/configure.js";
import type { Environment } from "../config/environment.js";
import { addFlags, givenFlags } from "../config/flags.js";
import { aboutServe, afterServeHelp } from "../config/help-text.js";
import { readTls, type TlsFiles, tlsFiles } from "../config/tls-files.js";
import { print } from "../log/print.js";

export function addServe(program: Command, environment: Environment, setExitCode: (code: number) => void): void {
  const command = program
    .command("serve")
    .summary("run the server")
    .description(aboutServe)
    .allowExcessArguments() // refused below, by name
    .option("--config <file>", "read options from this file, YAML or JSON (HAWSER_CONFIG)")
    .option("--check-config", "check the configuration and the files that it names, print what is set, and end");
  addFlags(command);
  command.addHelpText("after", afterServeHelp).action(async () => {
    const [extra] = command.args;
    if (extra !== undefined)
      throw new ConfigError(`serve: got ${show(extra)}; takes flags alone; hawser serve --help lists all`);
    const { config, checkConfig } = command.opts<{ config?: string; checkConfig?: true }>();
    const configuration = configure(givenFlags(command), config, environment);
    const tls = tlsFiles(configuration.given);
    if (!checkConfig) return setExitCode(await run(configuration, tls));
    if (tls !== undefined) readTls(tls);
    print(configurationReport(configuration));
  });
}

/**
 * One process by itself; or a supervisor, and its workers, which are started with the same flags. Each loads what it needs: a third of the time
 * that the command takes to start is reading its modules.
 */
async function run(configuration: Configuration, tls: TlsFiles | undefined): Promise<number> {
  if (configuration.own.workers === undefined) return (await import("../serving/serve.js")).serve(configuration, tls);
  if (cluster.isWorker) return (await import("../serving/serve-worker.js")).serveWorker(configuration, tls);
  return (await import("../serving/serve-workers.js")).serveWorkers(configuration, tls);
}
