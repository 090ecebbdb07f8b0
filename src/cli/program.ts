/** The command line as a whole: its subcommands, and what happens when it makes no sense. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { ConfigError } from "./config-error.js";
import { formatItem } from "./help-layout.js";
import { print } from "./print.js";
import { addServe } from "./serve-command.js";
import { usageLine } from "./usage-line.js";

const WRONG_USAGE = 2;

/** Runs the command that the arguments name; returns the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = makeProgram((code) => (exitCode = code));
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
    if (!(error instanceof CommanderError || error instanceof ConfigError)) throw error;
    process.stderr.write(`hawser: ${error instanceof ConfigError ? error.message : usageLine(error)}\n`);
    return WRONG_USAGE;
  }
}

/** `setExitCode` is how a command that ran says how it went. */
export function makeProgram(setExitCode: (code: number) => void): Command {
  const program = new Command("hawser")
    .description("A production WebSocket server: safe from the first line.")
    .version(version(), "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? 80, 100),
    })
    .configureHelp({ formatItem });
  addServe(program, setExitCode);
  program.addHelpText("after", "\n`hawser COMMAND --help` says more about a command.");
  return program;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
