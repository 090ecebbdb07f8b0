/**
 * A program of the application's, for any runtime: follows a topic, publishes in another, calls and is called, until it hears "end"; then says
 * what it has heard, and ends by itself since nothing holds it.
 */
import { connect, type LiveError } from "@hawser/client";

const url = process.argv[2]!;
const PUBLISHES = 30;
const seen: {
  offsets: number[];
  gaps: number;
  call: unknown;
  bytes: number[];
  published: number[];
  page: number;
  count: number;
} = {
  offsets: [],
  gaps: 0,
  call: undefined,
  bytes: [],
  published: [],
  page: 0,
  count: 0,
};

const WebSocket = globalThis.WebSocket === undefined ? (await import("ws")).WebSocket : undefined;
const live = connect(url, {
  token: () => "token",
  asks: { double: (input) => (input as number) * 2 },
  ...(WebSocket !== undefined && { WebSocket }),
});

let ready: Promise<void> | undefined;
const ended = new Promise<void>((resolve) => {
  ({ ready } = live.topic("feed").subscribe({
    message(data, { offset }) {
      seen.offsets.push(offset!);
      if (data === "end") resolve();
    },
    gap: () => seen.gaps++,
  }));
});
const bytes = new Promise<void>((resolve) => {
  live.topic("bytes").subscribe({
    message(data) {
      seen.bytes = [...(data as Uint8Array)];
      resolve();
    },
  });
});

await ready;
console.log("ready");
const own = live.topic("own");
for (let count = 0; count < PUBLISHES; count++) {
  const { offset } = await own.publish(count);
  seen.published.push(offset!);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await live.topic("bytes").publish(Uint8Array.of(0, 127, 255));
await bytes;
seen.call = await retry(() => live.call("echo", { a: [1, "é"] }));
await ended;
seen.page = (await own.history({ max: 5 })).messages.length;
seen.count = await live.topic("feed").count();
live.close();
console.log(JSON.stringify(seen));

/** Calls are not sent again by themselves. */
async function retry<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as LiveError).code !== "lost") throw error;
    }
  }
}
