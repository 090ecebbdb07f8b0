/** Processor time of the thread that asks. */
import { readFileSync } from "node:fs";

/** In milliseconds; null where the system does not tell. */
export function threadCpuMs(): number | null {
  // Node has it from 23.9 on.
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1000;
  }
  try {
    // Nanoseconds on a processor, nanoseconds in waiting for one, ...
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ", 1)[0]) / 1e6;
  } catch {
    return null;
  }
}
