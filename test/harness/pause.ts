/** Processes that stand still. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Returns when none of its threads runs any longer: on a busy machine that takes a while. */
export function pause(child: ChildProcess): void {
  child.kill("SIGSTOP");
  const tasks = `/proc/${child.pid}/task`;
  if (!existsSync(tasks)) return;
  const isStopped = (task: string): boolean => /\) [tT] /.test(readFileSync(`${tasks}/${task}/stat`, "utf8"));
  while (!readdirSync(tasks).every(isStopped));
}
