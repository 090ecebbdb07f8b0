/** Clients that send much more than is decent. The connection may survive or be closed as a flood (1008); the server lives on. */
import assert from "node:assert/strict";

import { encodeFrame, type FrameSpec, frame } from "../../harness/frames.js";
import { RawClient } from "../../harness/raw-client.js";
import type { Group, HostileCase } from "../group.js";

/** 1008 is the answer to a flood, 1013 to a backlog; a client whose every frame was taken may close as usual (1005: without a code). */
const ALLOWED = [1000, 1005, 1008, 1013];

/** Writes the frames as fast as the socket takes them, with or without reading what comes back. */
function flood(
  name: string,
  count: number,
  spec: FrameSpec | ((index: number) => FrameSpec),
  reads = true,
): HostileCase {
  return {
    name: `${count.toLocaleString("en")} ${name}${reads ? "" : ", never reading"}`,
    async run(server) {
      const client = await RawClient.open(server.url, { timeoutMs: 30_000 });
      try {
        if (!reads) client.socket.pause();
        await sendAll(client, count, spec);
        if (!reads) client.socket.resume();
        await client.sendFrame(frame.close(1000));
        const ending = await client.ended(30_000);
        assert.notEqual(ending.how, "open", "the server must end the connection");
        if (ending.close)
          assert.ok(
            ALLOWED.includes(ending.close.code ?? 1005),
            `close code ${ending.close.code}: ${ending.close.reason}`,
          );
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
      const client = await RawClient.open(server.url, { timeoutMs: 30_000 });
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

const inMessage =
  (spec: FrameSpec) =>
  (index: number): FrameSpec =>
    index === 0 ? frame.text("start", { fin: false }) : spec;

export const floods: Group = {
  name: "floods",
  atOnce: 4,
  cases: [
    flood("pings", 20_000, frame.ping()),
    flood("pings", 20_000, frame.ping(), false),
    flood("pings of 125 bytes", 20_000, frame.ping("p".repeat(125))),
    flood("pongs", 20_000, frame.pong()),
    flood("pongs of 125 bytes", 20_000, frame.pong("p".repeat(125)), false),
    flood("pings and pongs", 20_000, (index) => (index % 2 === 0 ? frame.ping() : frame.pong())),
    flood("empty text messages", 50_000, frame.text("")),
    flood("empty binary messages", 50_000, frame.binary("")),
    flood("empty messages", 50_000, frame.text(""), false),
    flood("messages of one byte", 100_000, frame.text("x")),
    flood("messages of one byte", 100_000, frame.text("x"), false),
    flood("messages of 64 bytes", 100_000, frame.binary("x".repeat(64)), false),
    flood("empty fragments", 100_000, inMessage(frame.next("", { fin: false }))),
    flood("empty fragments that begin a message", 1_000, (index) =>
      index % 2 === 0 ? frame.text("", { fin: false }) : frame.next(""),
    ),
    flood("pings inside a message", 20_000, inMessage(frame.ping("x"))),
    flood("pings, each after an empty fragment", 20_000, (index) =>
      index === 0 ? frame.text("", { fin: false }) : index % 2 === 0 ? frame.next("", { fin: false }) : frame.ping(),
    ),
    flood("close frames", 10_000, frame.close(1000)),
    flood("close frames without a body", 10_000, frame.close(), false),
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
