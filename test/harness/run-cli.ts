/** The command run to its end, as a user runs it: what it printed and its exit code. */
import { spawn } from "node:child_process";

import { PATIENCE_MS } from "./concurrency.js";
import { cliPath } from "./server.js";

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** A command that must end by itself has hung after so long. @default PATIENCE_MS */
  timeoutMs?: number;
}

export function runCli(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("HAWSER_"));
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [cliPath(), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...Object.fromEntries(ours), ...options.env },
      timeout: options.timeoutMs ?? PATIENCE_MS,
      killSignal: "SIGKILL",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
    }
    child.once("error", fail);
    child.once("close", (code) => done({ code, ...output }));
  });
}
