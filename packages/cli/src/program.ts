/** The command line as a whole: its subcommands, and what happens when it makes no sense. */
import { printable } from "hawser/tools";
import { Command, CommanderError } from "commander";
import { version } from "./generated/version.js";
import { TargetError } from "./tools/target.js";
import { addAudit } from "./commands/audit.js";
import { addBench } from "./commands/bench.js";
import { addCompletion } from "./commands/completion.js";
import { addConnect } from "./commands/connect.js";
import { addServe } from "./commands/serve.js";
import { ConfigError } from "./config/config-error.js";
import type { Environment } from "./config/environment.js";
import { formatItem } from "./help-layout.js";
import { print } from "./log/print.js";
import { usageLine } from "./usage-line.js";

const WRONG_USAGE = 2;

/** What a command gets from around it, and gives back. */
export interface Surroundings {
  readonly environment: Environment;
  /** One line for the person who called, about what is wrong. */
  complain(line: string): void;
}

const surroundings: Surroundings = {
  environment: process.env,
  complain: (line) => void process.stderr.write(`${line}\n`),
};

/** Runs the command that the arguments name; returns the exit code. */
export async function runProgram(args: readonly string[], around: Surroundings = surroundings): Promise<number> {
  let exitCode = 0;
  const program = makeProgram(around.environment, (code) => (exitCode = code));
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
    if (error instanceof CommanderError)
      around.complain(`hawser: ${usageLine(error, program, commandIn(program, args))}`);
    else if (error instanceof ConfigError || error instanceof TargetError)
      around.complain(`hawser: ${printable(error.message)}`);
    else throw error;
    return WRONG_USAGE;
  }
}

function commandIn(program: Command, args: readonly string[]): Command | undefined {
  return program.commands.find((command) => command.name() === args[0]);
}

/** `setExitCode` is how a command that ran says how it went. */
function makeProgram(environment: Environment, setExitCode: (code: number) => void): Command {
  const program = new Command("hawser")
    .description("A production WebSocket server: safe from the first line.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? 80, 100),
    })
    .configureHelp({ formatItem });
  addServe(program, environment, setExitCode);
  addAudit(program, setExitCode);
  addBench(program, setExitCode);
  addConnect(program, environment, setExitCode);
  addCompletion(program);
  program.addHelpText("after", "\n`hawser COMMAND --help` says more about a command.");
  return program;
}
