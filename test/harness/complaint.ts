/** What the command says of arguments that make no sense, without a process for each. */
import { runProgram } from "#cli/program.js";

/** Runs the command in this process. @returns its exit code, and what it wrote to standard error as lines */
export async function complaintOf(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const code = await runProgram(args, { environment, complain: (line) => lines.push(line) });
  return { code, lines };
}
