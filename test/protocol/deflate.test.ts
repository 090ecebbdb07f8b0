import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import type { DeflateParameters } from "#hawser/protocol/deflate-negotiation.js";
import { Deflater, deflateShared, Inflater } from "#hawser/protocol/deflate.js";
import { cpuMs } from "../harness/cpu-time.js";
import { largestDistance } from "./harness/deflate-distances.js";
import { WsPeer } from "./harness/ws-deflate.js";

const EFFORT = { level: 3, memLevel: 8 };
const KIB = 1024;
const TAIL = Buffer.from("0000ffff", "hex");

function parameters(takeover: boolean, serverMaxWindowBits = 15, clientMaxWindowBits = 15): DeflateParameters {
  return {
    serverNoContextTakeover: !takeover,
    clientNoContextTakeover: !takeover,
    serverMaxWindowBits,
    clientMaxWindowBits,
  };
}

/** What the server makes of one message from a client without context takeover. */
function inflate(payload: Buffer | string, maxBytes = 512 * KIB): Buffer | string {
  const bytes = typeof payload === "string" ? Buffer.from(payload.replaceAll(" ", ""), "hex") : payload;
  return new Inflater(parameters(false), "server").inflate(bytes, maxBytes);
}

/** Bytes that repeat themselves at all distances, from a seed: what windows are about. */
function* messages(seed: number, count: number, longest: number): Generator<Buffer> {
  const random = generator(seed);
  let past = Buffer.from("It was a dark and stormy night; the hawser held.");
  for (let made = 0; made < count; made++) {
    const pieces: Buffer[] = [];
    const length = random(10) === 0 ? 0 : random(longest);
    for (let total = 0; total < length;) {
      const from = random(past.length);
      const fresh = random(3) === 0;
      const piece = fresh
        ? Buffer.from(Array.from({ length: random(40) + 1 }, () => random(256)))
        : past.subarray(from, from + random(300) + 1);
      pieces.push(piece);
      total += piece.length;
    }
    const message = Buffer.concat(pieces);
    past = Buffer.concat([past, message]).subarray(-100_000);
    yield message;
  }
}

/** Whole numbers from 0 to below `limit`, the same for the same seed (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

describe("the examples of RFC 7692 7.2.3", () => {
  it("7.2.3.1, one message: Hello", () => {
    assert.equal(deflateShared(Buffer.from("Hello"), 15, EFFORT).toString("hex"), "f248cdc9c90700");
    assert.equal(inflate("f2 48 cd c9 c9 07 00").toString(), "Hello");
  });

  it("7.2.3.2, sharing the window: Hello, and Hello again by reference", () => {
    const deflater = new Deflater(parameters(true), "server", EFFORT);
    const sent = [Buffer.from("Hello"), Buffer.from("Hello")].map((payload) =>
      deflater.compress(payload).toString("hex"),
    );
    assert.deepEqual(sent, ["f248cdc9c90700", "f200110000"]);
    const inflater = new Inflater(parameters(true), "client");
    assert.deepEqual(
      sent.map((hex) => inflater.inflate(Buffer.from(hex, "hex"), 5).toString()),
      ["Hello", "Hello"],
    );
    assert.equal(inflate("f2 00 11 00 00"), "invalid", "refers to what is not there");
  });

  it("7.2.3.3, a block without compression", () => {
    assert.equal(inflate("00 05 00 fa ff 48 65 6c 6c 6f 00").toString(), "Hello");
  });

  it("7.2.3.4, a block with BFINAL", () => {
    assert.equal(inflate("f3 48 cd c9 c9 07 00 00").toString(), "Hello");
  });

  it("7.2.3.5, two blocks", () => {
    assert.equal(inflate("f2 48 05 00 00 00 ff ff ca c9 c9 07 00").toString(), "Hello");
  });

  it("7.2.3.6, an empty message", () => {
    assert.equal(deflateShared(Buffer.alloc(0), 15, EFFORT).toString("hex"), "00");
    assert.equal(inflate("00").toString(), "");
    assert.equal(inflate("02 00").toString(), "", "an empty block with fixed codes before it");
  });
});

describe("Deflater and Inflater, back to back", () => {
  for (const takeover of [false, true]) {
    for (const bits of [8, 9, 12, 15]) {
      it(`${takeover ? "with" : "without"} context takeover, ${bits} bits`, () => {
        const agreed = parameters(takeover, bits, 23 - bits);
        for (const [from, to] of [
          ["server", "client"],
          ["client", "server"],
        ] as const) {
          const deflater = new Deflater(agreed, from, EFFORT);
          const inflater = new Inflater(agreed, to);
          for (const message of messages(bits, 60, 9 * KIB)) {
            const compressed = deflater.compress(message);
            assert.ok(!compressed.subarray(-4).equals(TAIL) || message.length > 0);
            assert.deepEqual(inflater.inflate(compressed, message.length), message);
          }
        }
      });
    }
  }

  it("any bytes, at any effort", () => {
    const effort = fc.record({ level: fc.integer({ min: 1, max: 9 }), memLevel: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 })),
        effort,
        fc.boolean(),
        (payloads, { level, memLevel }, takeover) => {
          const deflater = new Deflater(parameters(takeover), "server", { level, memLevel });
          const inflater = new Inflater(parameters(takeover), "client");
          for (const payload of payloads)
            assert.deepEqual(inflater.inflate(deflater.compress(payload), 300), Buffer.from(payload));
        },
      ),
    );
  });

  it("lengths around the sizes of chunks, where zlib stops and goes on", () => {
    const random = generator(1);
    const noise = Buffer.from(Array.from({ length: 140 * KIB }, () => random(256)));
    for (const around of [56, 64, KIB, 4 * KIB, 14_500, 16 * KIB, 64 * KIB, 128 * KIB]) {
      for (let length = around - 20; length < around + 20; length++) {
        for (const message of [noise.subarray(0, length), Buffer.alloc(length, "ab")]) {
          assert.ok(message.equals(Buffer.from(inflate(deflateShared(message, 15, EFFORT)))), String(length));
        }
      }
    }
  });

  it("leaves the payload as it was, and the result is not changed by later calls", () => {
    const deflater = new Deflater(parameters(true), "server", EFFORT);
    const payload = Buffer.from("abcabcabcabc");
    const first = deflater.compress(payload);
    const copy = Buffer.from(first);
    deflater.compress(Buffer.from("xyzxyzxyz"));
    assert.deepEqual(first, copy);
    assert.equal(payload.toString(), "abcabcabcabc");
  });
});

describe("with ws as the peer, which keeps its zlib streams", () => {
  const rows: Array<[answer: string, agreed: DeflateParameters]> = [
    ["permessage-deflate", parameters(true)],
    ["permessage-deflate; server_max_window_bits=9; client_max_window_bits=10", parameters(true, 9, 10)],
    ["permessage-deflate; server_max_window_bits=8; client_max_window_bits=8", parameters(true, 8, 8)],
    ["permessage-deflate; server_no_context_takeover; client_no_context_takeover", parameters(false)],
    ["permessage-deflate; client_no_context_takeover", { ...parameters(true), clientNoContextTakeover: true }],
    [
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
      { ...parameters(true, 8), serverNoContextTakeover: true },
    ],
  ];
  for (const [answer, agreed] of rows) {
    for (const role of ["server", "client"] as const) {
      it(`${answer}, as the ${role}`, async () => {
        const peer = new WsPeer(role === "client", answer);
        const deflater = new Deflater(agreed, role, EFFORT);
        const inflater = new Inflater(agreed, role);
        for (const message of messages(7, 150, 5 * KIB)) {
          assert.deepEqual(await peer.decompress(deflater.compress(message)), message);
          assert.deepEqual(inflater.inflate(await peer.compress(message), message.length), message);
        }
        peer.close();
      });
    }
  }
});

describe("the window", () => {
  for (const bits of [8, 9, 10, 15]) {
    it(`of ${bits} bits is not left, with or without context takeover`, () => {
      const alone: number[] = [];
      const carried: number[] = [];
      const deflater = new Deflater(parameters(true, bits), "server", { level: 9, memLevel: 9 });
      for (const message of messages(bits, 40, 6 * KIB)) {
        alone.push(largestDistance(Buffer.concat([deflateShared(message, bits, { level: 9, memLevel: 9 }), TAIL])));
        carried.push(largestDistance(Buffer.concat([deflater.compress(message), TAIL])));
      }
      const largest = Math.max(...alone, ...carried);
      assert.ok(largest <= 1 << bits);
      // zlib stays 262 bytes below its own window, which has 9 bits at least: with 8 agreed on, 250 of 256.
      const reach = (1 << Math.max(bits, 9)) - 262;
      assert.ok(largest <= reach);
      // And what there is of it is made use of.
      assert.ok(Math.max(...alone) > Math.min(reach, 4 * KIB) * 0.7);
      assert.ok(Math.max(...carried) > reach * 0.7);
    });
  }

  it("of a short message is large enough to reach from its last bytes to its first", () => {
    const random = generator(3);
    const mark = "### the same at both ends";
    for (let between = 10; between < 5 * KIB; between += between < 1_200 ? 5 : 97) {
      const letters = Array.from({ length: between }, () => String.fromCharCode(0x30 + random(64))).join("");
      const compressed = deflateShared(Buffer.from(mark + letters + mark), 15, EFFORT);
      assert.equal(largestDistance(Buffer.concat([compressed, TAIL])), mark.length + between);
    }
  });
});

/** A stream closed the usual way: its last block has BFINAL. */
function stream(text: string, dictionary?: Buffer): Buffer {
  return deflateRawSync(Buffer.from(text), dictionary ? { dictionary } : {});
}

describe("BFINAL", () => {
  it("in the middle of a message ends a stream, not the message; the next may refer to the one before", () => {
    const first = "a hawser is the rope that keeps a ship at its berth";
    const second = "the rope that keeps a ship at its berth is a hawser";
    const referring = stream(second, Buffer.from(first));
    assert.ok(referring.length < stream(second).length);
    const payload = Buffer.concat([stream(first), referring, Buffer.from([0])]);
    assert.equal(inflate(payload).toString(), first + second);
    assert.equal(inflate(payload, first.length + second.length).toString(), first + second);
    assert.equal(inflate(payload, first.length + second.length - 1), "too-big");
    assert.equal(inflate(payload, first.length), "too-big");
  });

  it("does not end the context", () => {
    const inflater = new Inflater(parameters(true), "server");
    const text = "the rope that keeps a ship at its berth";
    assert.equal(inflater.inflate(Buffer.concat([stream(text), Buffer.from([0])]), 100).toString(), text);
    const again = stream(text, Buffer.from(text));
    assert.equal(inflater.inflate(Buffer.concat([again, Buffer.from([0])]), 100).toString(), text);
    assert.equal(inflate(Buffer.concat([again, Buffer.from([0])])), "invalid");
  });

  it("as the last bit of a message, without the empty block of 7.2.1, is forgiven", () => {
    assert.equal(inflate(stream("Hello")).toString(), "Hello");
  });

  it("again and again is cut off: each costs a run of zlib", () => {
    const empty = Buffer.from("0300", "hex");
    // 16 are free and one more for each KiB; the block that ends the message is one as well.
    const streams = (count: number): unknown =>
      inflate(Buffer.concat([...Array.from({ length: count }, () => empty), Buffer.from([0])]));
    assert.equal(String(streams(16)), "");
    assert.equal(streams(17), "invalid");
    assert.equal(inflate(Buffer.concat([...Array.from({ length: 15 }, () => empty), Buffer.from([0])])).toString(), "");
    assert.equal(inflate(Buffer.concat(Array.from({ length: 100 }, () => empty))), "invalid");
    const many = Buffer.concat(Array.from({ length: 256 * KIB }, () => empty));
    assert.ok(cpuMs(() => assert.equal(inflate(many), "invalid")) < 1_000);
    // But not for a sender that closes a stream for each buffer.
    const buffers = Array.from({ length: 60 }, (_, index) =>
      Buffer.from(Array.from({ length: 2 * KIB }, generator(index).bind(null, 256))),
    );
    const payload = Buffer.concat([...buffers.map((buffer) => deflateRawSync(buffer)), Buffer.from([0])]);
    assert.deepEqual(inflate(payload), Buffer.concat(buffers));
  });

  it("again and again takes memory for each stream, and not each time for all that is left", (test) => {
    const asked = test.mock.method(Buffer, "allocUnsafe");
    const text = "x".repeat(500);
    const one = deflateRawSync(text, { level: 0 });
    inflate(Buffer.concat(Array.from({ length: 100 }, () => one)), 64 * KIB);
    const allotted = asked.mock.calls.reduce((sum, call) => sum + call.arguments[0], 0);
    assert.ok(allotted > 0 && allotted < 100 * 4 * text.length + 256 * KIB, `${allotted} bytes`);
  });
});

describe("invalid", () => {
  const rows: Array<[what: string, hex: string]> = [
    ["nothing at all", ""],
    ["the reserved block type", "06"],
    ["an uncompressed block with a wrong complement", "00 05 00 fa fe 48 65 6c 6c 6f 00"],
    ["an uncompressed block that is cut", "00 ff 00 00 ff 48 65 6c 6c 6f"],
    ["a distance before the beginning", "f2 00 11 00 00"],
    ["garbage", "ff ff ff ff"],
    ["garbage after the end of a stream", "f3 48 cd c9 c9 07 00 ff ff"],
    ["the tail, sent although it should not be, and half of another", "f2 48 cd c9 c9 07 00 00 00 ff ff 00 00"],
    ["a zlib header before it", "78 9c f2 48 cd c9 c9 07 00"],
    ["a gzip header before it", "1f 8b 08 00 00 00 00 00 00 03 f2 48 cd c9 c9 07 00"],
  ];
  for (const [what, hex] of rows) it(what, () => assert.equal(inflate(hex), "invalid"));

  it("a message cut anywhere", () => {
    for (const message of messages(5, 20, 2 * KIB)) {
      const whole = deflateShared(message, 15, EFFORT);
      for (let length = 0; length < whole.length; length += 1 + (length >> 4)) {
        assert.equal(inflate(whole.subarray(0, length)), "invalid", `${length} of ${whole.length}`);
      }
    }
  });

  it("never throws, and takes only what zlib takes", () => {
    let taken = 0;
    const noise = fc.uint8Array({ maxLength: 40 });
    const changed = fc.tuple(noise, fc.nat(), fc.nat({ max: 255 })).map(([payload, at, byte]) => {
      const compressed = deflateShared(payload, 15, EFFORT);
      compressed[at % compressed.length] = byte;
      return compressed;
    });
    fc.assert(
      fc.property(fc.oneof(noise, changed), (payload) => {
        const result = inflate(Buffer.from(payload), 1_000_000);
        if (typeof result === "string") return;
        taken += 1;
        const options = { finishFlush: constants.Z_SYNC_FLUSH };
        const theirs = inflateRawSync(Buffer.concat([payload, TAIL]), options);
        assert.ok(result.subarray(0, theirs.length).equals(theirs));
      }),
      { numRuns: 5_000 },
    );
    assert.ok(taken > 50);
  });
});

describe("too big", () => {
  it("by one byte, and not at the limit", () => {
    for (const length of [1, 2, 63, 64, 1_023, 1_024, 1_025, 65_535, 65_536, 65_537, 512 * KIB]) {
      const compressed = deflateShared(Buffer.alloc(length, "x"), 15, EFFORT);
      assert.equal(inflate(compressed, length).length, length);
      assert.equal(inflate(compressed, length - 1), "too-big");
    }
  });

  it("at a limit of nothing", () => {
    assert.deepEqual(inflate("00", 0), Buffer.alloc(0));
    assert.equal(inflate("f2 48 cd c9 c9 07 00", 0), "too-big");
  });

  it("a bomb takes the limit and one chunk of memory, and hardly any time", () => {
    const limit = 512 * KIB;
    const bomb = deflateShared(Buffer.alloc(256 * KIB * KIB), 15, EFFORT);
    const inflater = new Inflater(parameters(true), "server");
    const before = process.memoryUsage().arrayBuffers;
    const took = cpuMs(() => assert.equal(inflater.inflate(bomb, limit), "too-big"));
    // Whatever was allotted and is garbage by now is still counted, the copy of the bomb with its tail among it.
    const grown = process.memoryUsage().arrayBuffers - before - bomb.length;
    assert.ok(grown <= limit + 3 * 64 * KIB, `${grown} bytes`);
    assert.ok(took < 500, `${took} ms`);
  });

  it("a bomb in many streams", () => {
    const bomb = deflateRawSync(Buffer.alloc(100_000));
    assert.equal(inflate(Buffer.concat(Array.from({ length: 10 }, () => bomb))), "too-big");
  });
});

it("a stream that a peer flushes in pieces is one message", async () => {
  const peer = createDeflateRaw();
  const pieces: Buffer[] = [];
  peer.on("data", (piece: Buffer) => pieces.push(piece));
  for (const text of ["one, ", "two, ", "three"]) {
    peer.write(text);
    await new Promise<void>((resolve) => peer.flush(constants.Z_SYNC_FLUSH, resolve));
  }
  peer.close();
  const sent = Buffer.concat(pieces);
  assert.deepEqual(sent.subarray(-4), TAIL);
  assert.equal(inflate(sent.subarray(0, -4)).toString(), "one, two, three");
});
