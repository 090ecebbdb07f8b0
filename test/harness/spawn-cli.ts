/** The command while it runs: what it has printed so far, its input, and its end. */
import { spawn } from "node:child_process";
import type { TestContext } from "node:test";
import { until } from "./concurrency.js";
import type { Finished } from "./run-cli.js";
import { cliPath } from "./server.js";

export interface Running {
  stdout: () => string;
  stderr: () => string;
  /** Writes to its standard input. */
  type(text: string): void;
  /** Ends its standard input. */
  endInput(): void;
  signal(signal: NodeJS.Signals): void;
  /** Waits until this has been printed, on either. */
  sees(text: string | RegExp): Promise<void>;
  finished: Promise<Finished>;
}

/** Starts it with pipes, or on a terminal that `script` of util-linux provides. It does not outlive the test. */
export function spawnCli(
  t: TestContext,
  args: readonly string[],
  options: { terminal?: boolean; env?: Record<string, string> } = {},
): Running {
  const words = [process.execPath, cliPath(), ...args];
  // exec: see test/cli/terminal.test.ts.
  const [program, ...rest] = options.terminal
    ? ["script", "-qec", `exec ${words.map((word) => `'${word}'`).join(" ")}`, "/dev/null"]
    : words;
  const child = spawn(program!, rest, {
    env: { ...process.env, TERM: "xterm", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  child.stdin.on("error", () => {});
  const finished = new Promise<Finished>((done) => child.once("close", (code) => done({ code, ...output })));
  return {
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    type: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    signal: (signal) => void child.kill(signal),
    sees: (wanted) =>
      until(() => {
        const all = output.stdout + output.stderr;
        return typeof wanted === "string" ? all.includes(wanted) : wanted.test(all);
      }, String(wanted)),
    finished,
  };
}
