/** A conversation without anybody at a terminal: each line that comes in is a message, and each message is a line that goes out. */
import { createInterface } from "node:readline";
import type { Ending, WebSocketClient } from "../tools/web-socket-client.js";
import type { ConnectOptions } from "./client-session.js";
import { messageLine } from "./message-text.js";
import type { Surroundings } from "./surroundings.js";

/** With so many bytes on their way no more lines are read. */
const MOST_BUFFERED = 1024 * 1024;

export async function pipe(client: WebSocketClient, options: ConnectOptions, around: Surroundings): Promise<Ending> {
  const { output } = around;
  let onDrain = (): void => {};
  const ended = new Promise<Ending>((resolve) => {
    client.listen({
      onMessage: (bytes, start, end, isBinary) => {
        // Who reads slowly makes the server wait, and not our memory grow.
        if (!output.write(`${messageLine({ bytes: bytes.subarray(start, end), isBinary })}\n`)) client.pause();
      },
      onDrain: () => onDrain(),
      onEnd: resolve,
    });
  });
  output.on("drain", () => client.resume());
  // `| head -1` has seen enough.
  output.on("error", () => client.close());
  const pings =
    options.pingEveryMs === null ? undefined : setInterval(() => client.ping(Buffer.alloc(0)), options.pingEveryMs);

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  const sent = sendAll(client, linesOf(options, around), () => new Promise((resolve) => (onDrain = resolve)));
  await Promise.race([sent.then(() => pause(options.waitMs)), ended, stopped]);
  client.close();
  const ending = await ended;
  clearInterval(pings);
  around.input.destroy();
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
