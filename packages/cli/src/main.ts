/** The command `hawser`: each subcommand is a file that adds itself in program.ts. */
import { runProgram } from "./program.js";

process.exitCode = await runProgram(process.argv.slice(2));
// A log line that nobody reads must not keep a process alive that has ended.
setTimeout(() => process.exit(), 1000).unref();
