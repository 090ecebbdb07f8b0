/** Practice 7: every disconnect has one cause, and every cause in the catalogue happens. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Cause, causes, type Disconnect, type ServerOptions } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { type Rig, startRig, turns } from "../harness/rig.js";

type Connected = Awaited<ReturnType<Rig<undefined>["connect"]>>;

interface Row {
  cause: Cause;
  options?: ServerOptions;
  provoke: (connected: Connected, rig: Rig<undefined>) => unknown;
  /** Where the catalogue says that it varies. */
  code?: number;
}

const rows: Row[] = [
  { cause: "normal", provoke: ({ peer }) => peer.sendFrame(frame.close(1000)) },
  { cause: "normal", provoke: ({ peer }) => peer.sendFrame(frame.close()), code: 1005 },
  { cause: "going-away", provoke: ({ peer }) => peer.sendFrame(frame.close(1001)) },
  { cause: "closed-by-client", provoke: ({ peer }) => peer.sendFrame(frame.close(4321, "own")), code: 4321 },
  { cause: "closed-by-client", provoke: ({ peer }) => peer.sendFrame(frame.close(1011)), code: 1011 },
  { cause: "lost", provoke: ({ peer }) => peer.reset() },
  { cause: "lost", provoke: ({ peer }) => peer.end() },
  {
    cause: "lost",
    provoke: async ({ peer }) => {
      await peer.sendBytes(encodeFrame(frame.text("cut short")).subarray(0, 5));
      peer.end();
    },
  },
  {
    cause: "closed-by-server",
    provoke: ({ client, peer }) => (client.close(4000), peer.sendFrame(frame.close(4000))),
    code: 4000,
  },
  { cause: "terminated", provoke: ({ client }) => client.terminate() },
  { cause: "server-shutdown", provoke: (_, rig) => rig.server.close({ graceMs: 0 }) },
  {
    cause: "idle-timeout",
    options: { idleTimeoutMs: 1_000 },
    provoke: async ({ peer }, rig) => {
      rig.clock.advance(1_200);
      await peer.sendFrame(frame.close(1000));
    },
  },
  {
    cause: "max-age",
    options: { maxAgeMs: 1_000 },
    provoke: async ({ peer }, rig) => {
      rig.clock.advance(1_200);
      await peer.sendFrame(frame.close(1001));
    },
  },
  { cause: "heartbeat-timeout", provoke: (_, rig) => rig.clock.advance(60_200) },
  {
    cause: "write-timeout",
    options: { maxBacklogBytes: 2 ** 26 },
    provoke: async ({ peer, client }, rig) => {
      peer.socket.pause();
      client.send(Buffer.alloc(2 ** 25));
      await turns(200);
      rig.clock.advance(20_500);
    },
  },
  {
    cause: "message-timeout",
    options: { messageTimeoutMs: 1_000 },
    provoke: async ({ peer }, rig) => {
      const { socket } = rig.requests[0]!.raw;
      const before = socket.bytesRead;
      await peer.sendBytes(encodeFrame(frame.text("slow")).subarray(0, 7));
      await until(() => socket.bytesRead > before, "the server to read");
      rig.clock.advance(1_200);
    },
  },
  {
    cause: "backlog-overflow",
    options: { maxBacklogBytes: 1_024 },
    provoke: async ({ peer, client }, rig) => {
      peer.socket.pause();
      await until(() => client.send(Buffer.alloc(60_000)) === "dropped", "the backlog to be full");
      rig.clock.advance(10_000);
    },
  },
  {
    cause: "incoming-overflow",
    options: { maxMessageBytes: 512, maxTotalIncomingBytes: 1_024 },
    provoke: ({ peer }) => peer.sendFrame({ ...frame.text("begun"), fin: false }),
  },
  { cause: "protocol-error", provoke: ({ peer }) => peer.sendBytes(Buffer.from("8100", "hex")) },
  { cause: "invalid-data", provoke: ({ peer }) => peer.sendFrame(frame.text(Buffer.from("ff", "hex"))) },
  {
    cause: "invalid-json",
    options: { message: (_client, message) => void message.json() },
    provoke: ({ peer }) => peer.sendFrame(frame.text("{secret")),
  },
  {
    cause: "too-big",
    options: { maxMessageBytes: 10 },
    provoke: ({ peer }) => peer.sendFrame(frame.text("x".repeat(11))),
  },
  {
    cause: "control-flood",
    options: { maxControlFramesPerSecond: 1 },
    provoke: ({ peer }) => peer.sendBytes(Buffer.concat(Array.from({ length: 20 }, () => encodeFrame(frame.ping())))),
  },
  {
    cause: "handler-error",
    options: {
      message() {
        throw new Error("bug");
      },
    },
    provoke: ({ peer }) => peer.sendFrame(frame.text("x")),
  },
];

describe("cause", () => {
  for (const { cause, options = {}, provoke, code } of rows) {
    it(`${cause}${code === undefined ? "" : ` with ${code}`}: once, by one word, everywhere`, async (test: TestContext) => {
      const rig = await startRig(test, options);
      const connected = await rig.connect();
      await provoke(connected, rig);
      const end: Disconnect = await rig.nextClosed();
      assert.equal(end.cause, cause);
      const rule = causes[cause];
      assert.equal(end.code, code ?? rule.code);
      assert.equal(end.initiator, rule.initiator);
      assert.deepEqual(rig.server.stats.closed, { [cause]: 1 });
      const lines = rig.log.of("disconnect");
      assert.equal(lines.length, 1);
      assert.deepEqual(
        [
          lines[0]!.level,
          lines[0]!["cause"],
          lines[0]!["code"],
          lines[0]!["initiator"],
          lines[0]!["id"],
          lines[0]!["clients"],
        ],
        [rule.level, cause, end.code, end.initiator, connected.client.id, 0],
      );
      await turns(10);
      assert.equal(rig.closed.length, 1);
      assert.equal(rig.server.clients.size, 0);
    });
  }

  it("of every kind has a row here", () => {
    assert.deepEqual([...new Set(rows.map(({ cause }) => cause))].toSorted(), Object.keys(causes).toSorted());
  });
});

describe("the first of two causes counts", () => {
  const pairs: [what: string, cause: Cause, act: (connected: Connected) => unknown][] = [
    ["closed, then cut", "closed-by-server", ({ client }) => (client.close(), client.terminate())],
    ["cut, then closed", "terminated", ({ client }) => (client.terminate(), client.close())],
    ["closed, then lost", "closed-by-server", ({ client, peer }) => (client.close(), peer.reset())],
    ["closed twice", "closed-by-server", ({ client, peer }) => (client.close(1000), client.close(4000), peer.end())],
  ];
  for (const [what, cause, act] of pairs) {
    it(what, async (test) => {
      const rig = await startRig(test);
      await act(await rig.connect());
      assert.equal((await rig.nextClosed()).cause, cause);
      assert.equal(rig.closed.length, 1);
    });
  }
});
