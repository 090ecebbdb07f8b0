import { runOutside } from "../base/async-context.js";
import type { loadPino } from "./load-pino.js";

type Pino = ReturnType<typeof loadPino>;
export type Output = ReturnType<Pino["destination"]>;

/** What may wait for a reader that stalls; what is logged beyond that is dropped, and counted. */
const MOST_WAITING_BYTES = 1024 * 1024;
const RETRY_MS = 50;
/** How long the process waits for the reader when it ends. */
const PATIENCE_MS = 1000;

/** A library within somebody's program writes to `stderr`: what is on `stdout` is the program's. */
export type StandardStream = "stdout" | "stderr";

const NUMBERS = { stdout: 1, stderr: 2 } as const;
const shared: Record<StandardStream, Output | null> = { stdout: null, stderr: null };

/**
 * Where the built-in logger writes: at once, like any program, as long as somebody reads. A reader that stalls holds up neither the
 * server nor the end of the process, and one that is gone ends nothing. One of each for all servers of a process.
 * @param onDropped called with the number of lines that were dropped, once there is room again
 */
export function standardOutput(
  stream: StandardStream,
  { destination }: Pick<Pino, "destination">,
  onDropped: (to: Output, lines: number) => void,
): Output {
  const before = shared[stream];
  if (before !== null) return before;
  let isBehind = false;
  let dropped = 0;
  let timer: NodeJS.Timeout | null = null;
  const output = destination({
    // Asked for its number, it is made by Node, which has a pipe answer EAGAIN instead of holding up who writes.
    dest: process[stream].fd || NUMBERS[stream],
    sync: true,
    maxLength: MOST_WAITING_BYTES,
    // By itself it would sleep until somebody reads.
    retryEAGAIN: () => false,
  });
  /** @returns whether all that waited has been written */
  const goOn = (): boolean => {
    isBehind = false;
    output.write("");
    return !isBehind;
  };
  const retry = (): void => {
    timer = null;
    if (!goOn()) return;
    const lines = dropped;
    dropped = 0;
    if (lines > 0) onDropped(output, lines);
  };
  const retryLater = (): void => {
    if (timer !== null) return;
    timer = runOutside(() => setTimeout(retry, RETRY_MS).unref());
  };
  output.on("error", ({ code }: NodeJS.ErrnoException) => {
    isBehind = code === "EAGAIN" || code === "EBUSY";
    if (isBehind) retryLater();
  });
  output.on("drop", () => void dropped++);
  process.once("exit", () => {
    const end = performance.now() + PATIENCE_MS;
    while (!goOn() && performance.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  });
  return (shared[stream] = output);
}
