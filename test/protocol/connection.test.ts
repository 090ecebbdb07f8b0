import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { CloseBody } from "#hawser/protocol/close-codes.js";
import { Connection } from "#hawser/protocol/connection.js";
import { Deflater, Inflater } from "#hawser/protocol/deflate.js";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { BINARY, CONTINUATION, PING, PONG, TEXT } from "#hawser/protocol/opcodes.js";
import { type ConnectionEvent, type ConnectionState, transitions } from "#hawser/protocol/states.js";
import type { Violation } from "#hawser/protocol/violations.js";
import { everyCut, feed, hex, message, Recorder } from "./harness/recorder.js";

const LIMIT = 70_000;
const KEY = 0x3d21fa37;
const DEFLATE = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** A recorder that notes the frame to answer with, too. */
class Log extends Recorder {
  readonly replies: Array<string | null> = [];
  override onClose(body: CloseBody, reply: Buffer | null = null): void {
    super.onClose(body);
    this.replies.push(reply?.toString("hex") ?? null);
  }
  override onViolation(violation: Violation, farewell: Buffer | null = null): void {
    super.onViolation(violation);
    this.replies.push(farewell?.toString("hex") ?? null);
  }
}

function server(): { connection: Connection; log: Log } {
  const log = new Log();
  return { connection: new Connection({ role: "server", maxMessageBytes: LIMIT, inflater: null }, log), log };
}

const CLOSE_1000 = "8882 00000000 03e8";
const TEXT_A = "8181 00000000 61";
const PING_A = "8981 00000000 61";
const PONG_A = "8a81 00000000 61";
const UNMASKED = "8101 61";

describe("an open connection", () => {
  it("hands on messages, pings and pongs", () => {
    const { connection, log } = server();
    for (const cuts of everyCut(21)) feed(connection, hex(TEXT_A + PING_A + PONG_A), cuts);
    assert.deepEqual(log.events.slice(-3), ['text "a"', "ping 61", "pong 61"]);
    assert.equal(log.events.length, 24 * 3);
    assert.equal(connection.state, "open");
  });

  it("knows whether it is within a message", () => {
    const { connection } = server();
    feed(connection, hex("0181 00000000 61"));
    assert.equal(connection.inMessage, true);
    feed(connection, hex("8080 00000000"));
    assert.equal(connection.inMessage, false);
  });

  it("pauses after the frame it is at", () => {
    const seen: string[] = [];
    const connection: Connection = new Connection(
      { role: "server", maxMessageBytes: LIMIT, inflater: null },
      Object.assign(new Log(), {
        onPing(payload: Buffer): void {
          seen.push(payload.toString());
          connection.pause();
        },
      }),
    );
    const chunk = hex(PING_A + PING_A);
    assert.equal(connection.receive(chunk, 0), 7);
    assert.deepEqual(seen, ["a"]);
    assert.equal(connection.receive(chunk, 7), 14);
    assert.deepEqual(seen, ["a", "a"]);
  });
});

describe("the peer's close frame", () => {
  const rows: Array<[frame: string, event: string, reply: string]> = [
    [CLOSE_1000, 'close 1000 ""', "880203e8"],
    ["8885 00000000 0bb8627965", 'close 3000 "bye"', "88020bb8"],
    // RFC 6455 7.4.1: 1005 must not be sent, so the answer has no body either.
    ["8880 00000000", 'close 1005 ""', "8800"],
  ];
  for (const [frame, event, reply] of rows) {
    it(`${event} is answered by ${reply}`, () => {
      const { connection, log } = server();
      feed(connection, hex(frame + TEXT_A));
      assert.deepEqual(log.events, [event]);
      assert.deepEqual(log.replies, [reply]);
      assert.equal(connection.state, "closed");
      assert.equal(connection.close(1000, ""), null);
    });
  }

  it("is not answered where ours went out before", () => {
    const { connection, log } = server();
    assert.equal(connection.close(1001, "bye")?.toString("hex"), "880503e9627965");
    assert.equal(connection.state, "closing");
    assert.equal(connection.close(1000, "again"), null);
    feed(connection, hex(CLOSE_1000));
    assert.deepEqual(log.replies, [null]);
    assert.equal(connection.state, "closed");
  });
});

describe("a violation", () => {
  it("is answered by a close frame with its code and reason", () => {
    const { connection, log } = server();
    feed(connection, hex(UNMASKED + TEXT_A));
    assert.deepEqual(log.events, ["violation unmasked-frame"]);
    assert.equal(log.replies[0]?.slice(4, 8), "03ea");
    assert.equal(hex(log.replies[0] ?? "").toString("utf8", 4), "a client has to mask its frames (5.1)");
    assert.equal(connection.state, "closed");
  });

  it("is told without one where ours went out before", () => {
    const { connection, log } = server();
    connection.close(1000, "");
    feed(connection, hex(UNMASKED));
    assert.deepEqual(log.events, ["violation unmasked-frame"]);
    assert.deepEqual(log.replies, [null]);
    assert.equal(connection.state, "closed");
  });
});

describe("a closing connection", () => {
  it("hands on neither messages nor pings, but pongs and the peer's close frame", () => {
    const { connection, log } = server();
    connection.close(1000, "");
    feed(connection, hex(TEXT_A + PING_A + PONG_A + CLOSE_1000));
    assert.deepEqual(log.events, ["pong 61", 'close 1000 ""']);
  });

  it("that began to close within a message's handler takes no message after it", () => {
    const seen: string[] = [];
    const connection: Connection = new Connection(
      { role: "server", maxMessageBytes: LIMIT, inflater: null },
      Object.assign(new Log(), {
        onMessage(bytes: Buffer, start: number, end: number): void {
          seen.push(bytes.toString("utf8", start, end));
          connection.close(1000, "");
        },
      }),
    );
    feed(connection, hex(TEXT_A + TEXT_A));
    assert.deepEqual(seen, ["a"]);
  });
});

describe("an abandoned connection", () => {
  it("hears and says nothing more", () => {
    const { connection, log } = server();
    feed(connection, hex("0181 00000000 61"));
    connection.abandon();
    assert.equal(connection.state, "closed");
    assert.equal(connection.inMessage, false);
    feed(connection, hex(TEXT_A + PONG_A + CLOSE_1000 + UNMASKED));
    assert.deepEqual(log.events, []);
    assert.equal(connection.close(1000, ""), null);
    connection.abandon();
    assert.equal(connection.state, "closed");
  });
});

describe("the table of states", () => {
  /** What happens to a connection, and the event of the table it is. */
  const happenings: Array<[ConnectionEvent, (connection: Connection) => void]> = [
    ["closeSent", (connection) => connection.close(1000, "")],
    ["closeReceived", (connection) => feed(connection, hex(CLOSE_1000))],
    ["failed", (connection) => feed(connection, hex(UNMASKED))],
    ["failed", (connection) => connection.abandon()],
  ];

  it("is what a connection does, along every path of four events", () => {
    for (let path = 0; path < 4 ** 4; path++) {
      const { connection, log } = server();
      let state: ConnectionState = "open";
      for (let step = 0, rest = path; step < 4; step++, rest >>= 2) {
        const [event, happens] = happenings[rest & 3]!;
        happens(connection);
        state = transitions[state][event] ?? state;
        assert.equal(connection.state, state, `path ${path.toString(4)}`);
      }
      assert.ok(log.events.length <= 1, "the end is told once");
    }
  });
});

/** Two connections, and the bytes under way between them. */
class Pair {
  readonly logs = { server: new Log(), client: new Log() };
  readonly server: Connection;
  readonly client: Connection;
  #keys = 1;

  constructor(compressed = false) {
    const inflater = (role: "server" | "client"): Inflater | null => (compressed ? new Inflater(DEFLATE, role) : null);
    this.server = new Connection(
      { role: "server", maxMessageBytes: LIMIT, inflater: inflater("server") },
      this.logs.server,
    );
    this.client = new Connection(
      { role: "client", maxMessageBytes: LIMIT, inflater: inflater("client"), nextMaskingKey: () => this.nextKey() },
      this.logs.client,
    );
  }

  nextKey(): number {
    return (this.#keys = Math.imul(this.#keys, 1_664_525) + 1_013_904_223);
  }
}

describe("two connections back to back", () => {
  it("close in the order in which either begins", () => {
    for (const [first, second] of [
      ["client", "server"],
      ["server", "client"],
    ] as const) {
      const pair = new Pair();
      feed(pair[second], pair[first].close(1001, "bye")!);
      assert.deepEqual(pair.logs[second].events, ['close 1001 "bye"']);
      assert.equal(pair[second].state, "closed");
      feed(pair[first], hex(pair.logs[second].replies[0]!));
      assert.deepEqual(pair.logs[first].events, ['close 1001 ""']);
      assert.deepEqual(pair.logs[first].replies, [null]);
      assert.equal(pair[first].state, "closed");
    }
  });

  it("close at the same time", () => {
    const pair = new Pair();
    const fromServer = pair.server.close(1001, "")!;
    const fromClient = pair.client.close(1000, "")!;
    feed(pair.server, fromClient);
    feed(pair.client, fromServer);
    assert.deepEqual([pair.logs.server.events, pair.logs.server.replies], [['close 1000 ""'], [null]]);
    assert.deepEqual([pair.logs.client.events, pair.logs.client.replies], [['close 1001 ""'], [null]]);
  });

  it("tell each other of a violation", () => {
    const pair = new Pair();
    feed(pair.client, encodeFrame(TEXT, "masked", { maskingKey: KEY }));
    assert.deepEqual(pair.logs.client.events, ["violation masked-frame"]);
    feed(pair.server, hex(pair.logs.client.replies[0]!));
    assert.deepEqual(pair.logs.server.events, ['close 1002 "a server must not mask its frames (5.1)"']);

    const other = new Pair();
    feed(other.server, encodeFrame(TEXT, "not masked"));
    feed(other.client, hex(other.logs.server.replies[0]!));
    assert.deepEqual(other.logs.client.events, ['close 1002 "a client has to mask its frames (5.1)"']);
  });

  it("have the client mask its close frames by the keys it is given", () => {
    const keys = [KEY, -1];
    const options = {
      role: "client",
      maxMessageBytes: LIMIT,
      inflater: null,
      nextMaskingKey: () => keys.shift() ?? 0,
    } as const;
    assert.equal(new Connection(options, new Log()).close(1000, "")?.toString("hex"), "888237fa213d3412");
    const log = new Log();
    feed(new Connection(options, log), hex("880203e8"));
    assert.deepEqual(log.replies, ["8882fffffffffc17"]);
    assert.deepEqual(keys, []);
  });

  for (const length of [0, 1, 125, 126, 127, 128, 65_535, 65_536]) {
    it(`read each other's messages of ${length} bytes`, () => {
      const pair = new Pair();
      const payload = Buffer.from(Uint8Array.from({ length }, (_, i) => i * 13 + (i >> 7)));
      const text = "é".repeat(length >> 1) + "x".repeat(length & 1);
      const expected = [message(payload, true), message(Buffer.from(text), false)];
      for (const cuts of [
        [],
        [1],
        [length >> 1],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].filter((cut) => cut < length),
      ]) {
        for (const [opcode, sent] of [
          [BINARY, payload],
          [TEXT, text],
        ] as const) {
          feed(pair.server, encodeFrame(opcode, sent, { maskingKey: pair.nextKey() }), cuts);
          feed(pair.client, encodeFrame(opcode, sent), cuts);
        }
      }
      for (const log of [pair.logs.server, pair.logs.client])
        assert.deepEqual(log.events, [...expected, ...expected, ...expected, ...expected]);
    });
  }

  const messages = fc.array(
    fc.record({
      payload: fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.uint8Array({ maxLength: 300 })),
      repeat: fc.constantFrom(1, 1, 1, 40),
      compress: fc.boolean(),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: null }),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });

  for (const to of ["server", "client"] as const) {
    it(`carry any messages to the ${to}, compressed and in fragments, in pieces of any size`, () => {
      fc.assert(
        fc.property(messages, sizes, (sent, pieces) => {
          const pair = new Pair(true);
          const deflater = new Deflater(DEFLATE, to === "server" ? "client" : "server", { level: 3, memLevel: 8 });
          const masking = (): { maskingKey?: number } => (to === "server" ? { maskingKey: pair.nextKey() } : {});
          const frames: Buffer[] = [];
          const expected: string[] = [];
          for (const { payload, repeat, compress, cut, ping } of sent) {
            const isBinary = typeof payload !== "string";
            const bytes = Buffer.concat(Array.from({ length: repeat }, () => Buffer.from(payload as string)));
            const onWire = compress ? deflater.compress(bytes) : bytes;
            const at = Math.floor(cut * onWire.length);
            const opcode = isBinary ? BINARY : TEXT;
            frames.push(
              encodeFrame(opcode, onWire.subarray(0, at), { more: true, compressed: compress, ...masking() }),
            );
            if (ping !== null) {
              frames.push(encodeFrame(PING, ping, masking()), encodeFrame(PONG, ping, masking()));
              const said = Buffer.from(ping).toString("hex");
              expected.push(`ping ${said}`, `pong ${said}`);
            }
            frames.push(encodeFrame(CONTINUATION, onWire.subarray(at), masking()));
            expected.push(message(bytes, isBinary));
          }
          const wire = Buffer.concat(frames);
          const cuts: number[] = [];
          for (let end = 0, i = 0; end < wire.length; i++)
            cuts.push((end = Math.min(wire.length, end + pieces[i % pieces.length]!)));
          feed(pair[to], wire, cuts);
          assert.deepEqual(pair.logs[to].events, expected);
          assert.equal(pair[to].inMessage, false);
        }),
        { seed: 1107, numRuns: 300 },
      );
    });
  }

  it("refuse what inflates past the limit, and what is not deflate", () => {
    const compress = (bytes: Buffer): Buffer =>
      new Deflater(DEFLATE, "client", { level: 3, memLevel: 8 }).compress(bytes);
    const rows: Array<[Buffer, string]> = [
      [compress(Buffer.alloc(LIMIT)), message(Buffer.alloc(LIMIT), true)],
      [compress(Buffer.alloc(LIMIT + 1)), "violation message-too-big"],
      [compress(Buffer.alloc(100 * LIMIT)), "violation message-too-big"],
      [hex("ffffffff"), "violation invalid-compressed-data"],
    ];
    for (const [payload, event] of rows) {
      const pair = new Pair(true);
      feed(pair.server, encodeFrame(BINARY, payload, { compressed: true, maskingKey: KEY }));
      assert.deepEqual(pair.logs.server.events, [event]);
    }
  });
});
