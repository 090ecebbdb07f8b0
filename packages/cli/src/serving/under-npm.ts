/** `npm start` and `npx` run a command through a shell. Where that does not hand a signal on, it dies and leaves us behind: stop then too. */
export function stopWithNpm(environment: NodeJS.ProcessEnv): void {
  if (!["start", "npx"].includes(environment["npm_lifecycle_event"] ?? "")) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
  }, 500).unref();
}
