/** Clients that send much more than is decent. The connection may survive or be closed as a flood (1008); the server lives on. */
import assert from "node:assert/strict";

import { encodeFrame, type FrameSpec, frame } from "../../harness/frames.js";
import { RawClient } from "../../harness/raw-client.js";
import type { Group, HostileCase } from "../harness/group.js";

interface Flood {
  name: string;
  count: number;
  frames: FrameSpec | ((index: number) => FrameSpec);
  /** Whether the client reads what comes back while it sends. @default true */
  reads?: boolean;
  /** The code it must be closed with; the default allows a client whose every frame is taken to close as usual. */
  code?: readonly number[];
}

/** 1008 is the answer to a flood, 1013 to a backlog, 1000 and 1005 to our own close frame. */
const ANY = [1000, 1005, 1008, 1013];
const REFUSED = [1008];
const NORMAL = [1000];

/** Writes the frames as fast as the socket takes them. */
function floodCase({ name, count, frames, reads = true, code = ANY }: Flood): HostileCase {
  return {
    name: `${count.toLocaleString("en")} ${name}${reads ? "" : ", never reading"}`,
    async run(server) {
      const client = await RawClient.open(server.url);
      try {
        if (!reads) client.socket.pause();
        await sendAll(client, count, frames);
        if (!reads) client.socket.resume();
        await client.sendFrame(frame.close(1000));
        const { how, close } = await client.ended();
        assert.notEqual(how, "open", "the server must end the connection");
        // A reset may overtake the close frame: we have not stopped sending
        if (close) assert.ok(code.includes(close.code ?? 1005), `close code ${close.code}: ${close.reason}`);
        assert.deepEqual(client.violations, []);
      } finally {
        client.destroy();
      }
    },
  };
}

async function sendAll(
  client: RawClient,
  count: number,
  spec: FrameSpec | ((index: number) => FrameSpec),
): Promise<void> {
  const BATCH = 500;
  for (let sent = 0; sent < count; sent += BATCH) {
    const frames = Array.from({ length: Math.min(BATCH, count - sent) }, (_, index) =>
      encodeFrame(typeof spec === "function" ? spec(sent + index) : spec),
    );
    // A client that is told off or cannot write any more has done what it could
    const written = await Promise.race([client.sendBytes(Buffer.concat(frames)), stalled()]);
    if (!written) return;
  }
}

function stalled(): Promise<false> {
  return new Promise((done) => setTimeout(() => done(false), 2_000).unref());
}

/** What a flood must not cost an honest client: this one sends as much, within the rules, and gets all of it back. */
function honest(name: string, frames: () => FrameSpec[], expected: () => string, count = 1): HostileCase {
  return {
    name: `honest: ${name}`,
    async run(server) {
      const client = await RawClient.open(server.url);
      try {
        for (let sent = 0; sent < count; sent++) {
          void client.sendBytes(Buffer.concat(frames().map((spec) => encodeFrame(spec))));
          const message = await client.nextMessage();
          assert.equal(message.bytes.toString(), expected());
        }
        await client.close();
      } finally {
        client.destroy();
      }
    },
  };
}

const tiny = (count: number, size: number): FrameSpec[] =>
  Array.from({ length: count }, (_, index) =>
    index === 0
      ? frame.text("x".repeat(size), { fin: false })
      : frame.next("x".repeat(size), { fin: index === count - 1 }),
  );

/** Opens a message with `first`, in which the rest of the frames stand. */
const inMessage =
  (first: string, rest: (index: number) => FrameSpec) =>
  (index: number): FrameSpec =>
    index === 0 ? frame.text(first, { fin: false }) : rest(index);

const even = (index: number): boolean => index % 2 === 0;
const empty = frame.next("", { fin: false });
const long = "p".repeat(125);

const FLOODS: readonly Flood[] = [
  { name: "pings", count: 20_000, frames: frame.ping(), code: REFUSED },
  { name: "pings", count: 20_000, frames: frame.ping(), reads: false, code: REFUSED },
  { name: "pings of 125 bytes", count: 20_000, frames: frame.ping(long), code: REFUSED },
  { name: "pongs", count: 20_000, frames: frame.pong(), code: NORMAL },
  { name: "pongs of 125 bytes", count: 20_000, frames: frame.pong(long), reads: false, code: NORMAL },
  {
    name: "pings and pongs",
    count: 20_000,
    frames: (index) => (even(index) ? frame.ping() : frame.pong()),
    code: REFUSED,
  },
  { name: "pings inside a message", count: 20_000, frames: inMessage("start", () => frame.ping("x")), code: REFUSED },
  {
    name: "pings and empty fragments",
    count: 20_000,
    frames: inMessage("", (index) => (even(index) ? empty : frame.ping())),
    code: REFUSED,
  },
  { name: "empty fragments", count: 100_000, frames: inMessage("start", () => empty), code: REFUSED },
  {
    name: "messages of two empty fragments",
    count: 2_000,
    frames: (index) => (even(index) ? frame.text("", { fin: false }) : frame.next("")),
  },
  { name: "empty text messages", count: 50_000, frames: frame.text("") },
  { name: "empty binary messages", count: 50_000, frames: frame.binary("") },
  { name: "empty messages", count: 50_000, frames: frame.text(""), reads: false },
  { name: "messages of one byte", count: 100_000, frames: frame.text("x") },
  { name: "messages of one byte", count: 100_000, frames: frame.text("x"), reads: false },
  { name: "messages of 64 bytes", count: 100_000, frames: frame.binary("x".repeat(64)), reads: false },
  { name: "close frames", count: 10_000, frames: frame.close(1000) },
  { name: "close frames without a body", count: 10_000, frames: frame.close(), reads: false },
];

export const floods: Group = {
  name: "floods",
  atOnce: 4,
  cases: [
    ...FLOODS.map(floodCase),
    honest(
      "400,000 fragments of one byte",
      () => tiny(400_000, 1),
      () => "x".repeat(400_000),
    ),
    honest(
      "65,536 fragments of 8 bytes",
      () => tiny(65_536, 8),
      () => "x".repeat(524_288),
    ),
    honest(
      "20,000 messages, one after another",
      () => [frame.text("hello")],
      () => "hello",
      20_000,
    ),
    honest(
      "50 pings before each message",
      () => [...Array.from({ length: 20 }, () => frame.ping()), frame.text("hello")],
      () => "hello",
      2,
    ),
  ],
};
