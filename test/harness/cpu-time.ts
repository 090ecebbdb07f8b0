/** Processor time of this process, in milliseconds: what `work` takes on a busy machine as on an idle one. */
export function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
