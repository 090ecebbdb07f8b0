/** The end of the process. */

/** What became of the terminal that the log went to: it is gone, or on hold (Ctrl+S) with a write waiting for it. */
export type TerminalFault = "gone" | "on hold";

/**
 * Node restores the terminal's settings when it exits, and hangs or aborts where the terminal is gone (seen with 20.20); and it waits
 * for a write that has begun, however long. Where either would happen, a signal ends the process.
 */
export function exitNow(exitCode: number, fault?: TerminalFault): void {
  if (fault === "gone") {
    // As it ends the programs that do not listen for it.
    process.removeAllListeners("SIGHUP");
    process.kill(process.pid, "SIGHUP");
  } else if (fault === "on hold") process.kill(process.pid, "SIGKILL");
  process.exit(exitCode);
}
