/** `hawser serve`: its flags, and what it does with the configuration that comes out of them. */
import type { Command } from "commander";
import { configurationReport } from "../config/check-config.js";
import { ConfigError, show } from "../config/config-error.js";
import { configure } from "../config/configure.js";
import type { Environment } from "../config/environment.js";
import { addFlags, givenFlags } from "../config/flags.js";
import { aboutServe, afterServeHelp } from "../config/help-text.js";
import { readTls, tlsFiles } from "../config/tls-files.js";
import { print } from "../log/print.js";
import { serve } from "../serving/serve.js";

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
    if (!checkConfig) return setExitCode(await serve(configuration, tls));
    if (tls !== undefined) readTls(tls);
    print(configurationReport(configuration));
  });
}
