// Servers to audit, and audits of them: each a process of its own.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";

import type { Report } from "#cli/audit/index.js";
import { type Finished, runCli } from "../../harness/run-cli.js";
import type { Fault } from "./faults.js";

const faultServer = fileURLToPath(new URL("fault-server-main.js", import.meta.url));

/** For `--exec`: the server with these faults, as a command of the shell. */
export function faultCommand(port: number, ...faults: readonly Fault[]): string {
  return [process.execPath, faultServer, String(port), faults.join()].map((word) => JSON.stringify(word)).join(" ");
}

/** Starts the server with these faults; it ends with the test. */
export async function startFault(t: TestContext, ...faults: readonly Fault[]): Promise<string> {
  const child = spawn(process.execPath, [faultServer, "0", faults.join()], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /"port":(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return `ws://127.0.0.1:${port}/`;
  }
  throw new Error(`the server with the faults ${faults.join()} did not start`);
}

/** The deadlines of the servers here are far shorter; a busy machine has as much time as it needs. */
export const PATIENT: readonly string[] = ["--wait-ms", "12000"];

export interface Audited extends Finished {
  readonly report: Report;
}

/** `hawser audit ARGS --json`, to its end. */
export async function auditJson(...args: readonly string[]): Promise<Audited> {
  const finished = await runCli(["audit", ...args, "--json"], { timeoutMs: 280_000 });
  if (!finished.stdout.startsWith("{")) throw new Error(`no report: ${finished.stderr}`);
  return { ...finished, report: JSON.parse(finished.stdout) as Report };
}

/** The names of the checks with this verdict, with what was seen, for a message. */
export function named(report: Report, verdict: string): string[] {
  return report.results.filter((result) => result.verdict === verdict).map(({ name }) => name);
}

/**
 * These may not be testable, or warn, on a machine that is busy with something else: waits become long, and how much stays resident
 * depends on when the collector gets to run. What they call a fault stays one.
 */
const OF_THE_MACHINE = ["busy-neighbour", "ping-flood", "message-flood", "bomb-flood", "memory"];

/** Whether the machine was so busy that the check could not tell; on one that is not, it has to. */
export function wasTooBusy(report: Report, check: string): boolean {
  const result = report.results.find(({ name }) => name === check);
  return result?.verdict === "not testable" && Number(result.measured?.["machineStretch"]) >= 1.5;
}

/** As `named`, without what a busy machine is the reason of. */
export function namedButNoise(report: Report, verdict: string): string[] {
  return named(report, verdict).filter((name) => !OF_THE_MACHINE.includes(name));
}

export function describeReport(report: Report): string {
  return report.results
    .map(({ practice, verdict, name, seen }) => `${practice} ${verdict} ${name}: ${seen}`)
    .join("\n");
}
