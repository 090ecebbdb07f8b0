/** A conversation without anybody at a terminal: each line that comes in is a message, and each message is a line that goes out. */
import { createInterface } from "node:readline";
import type { Ending, WebSocketClient } from "../tools/web-socket-client.js";
import { messageLine } from "./message-text.js";
import type { ConnectOptions } from "./options.js";
import { pause, written } from "./output.js";
import type { Surroundings } from "./surroundings.js";

/** With so many bytes on their way no more lines are read. */
const MOST_BUFFERED = 1024 * 1024;
/** Node writes to a pipe at once, and stands still while it is full: a write that takes so long has waited for its reader. */
const BLOCKED_MS = 20;

export async function pipe(client: WebSocketClient, options: ConnectOptions, around: Surroundings): Promise<Ending> {
  const { output } = around;
  let onDrain = (): void => {};
  let blocked = 0;
  const ended = new Promise<Ending>((resolve) => {
    client.listen({
      onMessage: (bytes, start, end, isBinary) => {
        // Who reads slowly makes the server wait, and not our memory grow.
        if (output.destroyed) return;
        const since = performance.now();
        if (!output.write(`${messageLine({ bytes: bytes.subarray(start, end), isBinary })}\n`)) client.pause();
        if (performance.now() - since > BLOCKED_MS) blocked++;
      },
      onDrain: () => onDrain(),
      onEnd: resolve,
    });
  });
  output.on("drain", () => client.resume());
  // `| head -1` has seen enough.
  output.on("error", () => {
    client.resume();
    client.close();
  });
  const pings =
    options.pingEveryMs === null ? undefined : setInterval(() => client.ping(Buffer.alloc(0)), options.pingEveryMs);

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  const sent = sendAll(client, linesOf(options, around), () => new Promise((resolve) => (onDrain = resolve)));
  const waited = async (): Promise<void> => {
    await sent;
    // Time in which nobody takes what has come is no waiting for more.
    let before: number;
    do {
      before = blocked;
      await pause(options.waitMs);
    } while (output.writableNeedDrain || blocked > before);
  };
  await Promise.race([waited(), ended, stopped]);
  client.close();
  const ending = await ended;
  clearInterval(pings);
  around.input.destroy();
  await written(output);
  return ending;
}

function linesOf({ execute }: ConnectOptions, { input }: Surroundings): AsyncIterable<string> | readonly string[] {
  return execute.length > 0 ? execute : createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

async function sendAll(
  client: WebSocketClient,
  lines: AsyncIterable<string> | readonly string[],
  drained: () => Promise<void>,
): Promise<void> {
  for await (const line of lines) {
    client.send(line);
    if (client.bufferedBytes > MOST_BUFFERED) await drained();
  }
}
