/** What a hostile peer can make the parser keep: sizes, counts and memory. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readBuffer } from "#hawser/protocol/mask.js";
import type { MessageInflater } from "#hawser/protocol/parser-options.js";
import { BINARY, CONTINUATION, encodeFrame, fragments, type FrameSpec, TEXT } from "../harness/frames.js";
import { feed, hex, message, Recorder, SinkParser } from "./harness/recorder.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMIT = 512 * KIB;
const KEY = hex("37fa213d");

/** Stands for permessage-deflate: the payload as it is. */
const plain: MessageInflater = {
  inflate: (payload, maxBytes) => (payload.length > maxBytes ? "too-big" : Buffer.from(payload)),
};

function parserWith(
  maxMessageBytes: number,
  inflater: MessageInflater | null = null,
): { parser: SinkParser; recorder: Recorder } {
  const recorder = new Recorder();
  return { parser: new SinkParser({ role: "server", maxMessageBytes, inflater }, recorder), recorder };
}

function bytesOf(frame: FrameSpec): Buffer {
  return encodeFrame({ mask: KEY, ...frame });
}

function cutEvery(size: number, length: number): number[] {
  return Array.from({ length: Math.floor(length / size) }, (_, i) => (i + 1) * size);
}

const TOO_BIG = ["violation message-too-big"];

describe("the message limit", () => {
  for (const limit of [1, 2, 125, 126, 127, 65_535, 65_536, LIMIT]) {
    it(`of ${limit} bytes: exactly that many pass, one more does not`, () => {
      const payload = Buffer.alloc(limit, 0x61);
      for (const cuts of [[], [3], [20]]) {
        const { parser, recorder } = parserWith(limit);
        for (let times = 0; times < 2; times++) feed(parser, bytesOf({ opcode: TEXT, payload }), cuts);
        assert.deepEqual(recorder.events, [message(payload, false), message(payload, false)]);
      }
      const { parser, recorder } = parserWith(limit);
      feed(parser, bytesOf({ opcode: BINARY, payload: Buffer.alloc(limit + 1) }));
      assert.deepEqual(recorder.events, TOO_BIG);
    });

    it(`of ${limit} bytes: in fragments as well`, () => {
      const payload = Buffer.alloc(limit, 0x61);
      for (const size of [Math.ceil(limit / 3), limit]) {
        const { parser, recorder } = parserWith(limit);
        for (const frame of fragments(BINARY, payload, size)) feed(parser, bytesOf({ ...frame, fin: false }));
        assert.deepEqual(recorder.events, []);
        assert.equal(parser.assembledBytes, limit);
        // An empty fragment adds nothing; a byte more is one too many.
        feed(parser, bytesOf({ opcode: CONTINUATION, fin: false }));
        assert.deepEqual(recorder.events, []);
        const last = bytesOf({ opcode: CONTINUATION, payload: "x" });
        feed(parser, last.subarray(0, 2));
        assert.deepEqual(recorder.events, TOO_BIG, "by its header");
        assert.equal(parser.assembledBytes, 0, "what was gathered is let go");
      }
    });
  }

  it("refuses by what a header declares, before any payload", () => {
    for (const declaredLength of [
      LIMIT + 1,
      4 * MIB,
      2 ** 31,
      2 ** 32 + 1,
      Number.MAX_SAFE_INTEGER,
      (1n << 63n) - 1n,
    ]) {
      for (const opcode of [TEXT, BINARY]) {
        for (const fin of [true, false]) {
          const { parser, recorder } = parserWith(LIMIT);
          const header = bytesOf({ opcode, fin, declaredLength });
          feed(parser, header.subarray(0, 9));
          assert.deepEqual(recorder.events, [], "the length is not whole");
          feed(parser, header.subarray(9, 10));
          assert.deepEqual(recorder.events, TOO_BIG);
        }
      }
    }
  });

  it("adds what a continuation declares to what has come", () => {
    const { parser, recorder } = parserWith(1000);
    feed(parser, bytesOf({ opcode: BINARY, payload: Buffer.alloc(600), fin: false }));
    feed(parser, bytesOf({ opcode: CONTINUATION, declaredLength: 401 }).subarray(0, 4));
    assert.deepEqual(recorder.events, TOO_BIG);
  });

  it("counts each message by itself", () => {
    const { parser, recorder } = parserWith(10);
    for (let times = 0; times < 5; times++) {
      for (const frame of fragments(TEXT, "0123456789", 4)) feed(parser, bytesOf(frame));
      feed(parser, bytesOf({ opcode: TEXT, payload: "0123456789" }));
    }
    assert.deepEqual(recorder.events, Array(10).fill('text "0123456789"'));
  });

  it("does not count control frames", () => {
    const { parser, recorder } = parserWith(1);
    feed(parser, bytesOf({ opcode: 9, payload: Buffer.alloc(125) }));
    assert.deepEqual(recorder.events, [`ping ${"00".repeat(125)}`]);
  });

  it("of any size can be set", () => {
    const { parser, recorder } = parserWith(Infinity, plain);
    for (const rsv of [0, 4]) feed(parser, bytesOf({ opcode: BINARY, rsv, payload: Buffer.alloc(MIB) }));
    assert.deepEqual(recorder.events, Array(2).fill(message(Buffer.alloc(MIB), true)));
  });
});

describe("the message limit for what is compressed", () => {
  /** As compressed bytes; stored blocks make a message a little longer (RFC 1951 3.2.4). */
  const room = LIMIT + LIMIT / 64 + 64;

  it("leaves room for what does not compress, and no more", () => {
    for (const [declaredLength, events] of [
      [room, []],
      [room + 1, TOO_BIG],
    ] as const) {
      const { parser, recorder } = parserWith(LIMIT, plain);
      feed(parser, bytesOf({ opcode: BINARY, rsv: 4, declaredLength }).subarray(0, 10));
      assert.deepEqual(recorder.events, events);
    }
  });

  it("in fragments as well", () => {
    for (const [more, events] of [
      [0, []],
      [1, TOO_BIG],
    ] as const) {
      const { parser, recorder } = parserWith(LIMIT, plain);
      feed(parser, bytesOf({ opcode: BINARY, rsv: 4, fin: false, payload: Buffer.alloc(LIMIT) }));
      feed(parser, bytesOf({ opcode: CONTINUATION, declaredLength: room - LIMIT + more }).subarray(0, 8));
      assert.deepEqual(recorder.events, events);
    }
  });

  it("in a continuation longer than the limit by itself", () => {
    for (const [rsv, events] of [
      [4, []],
      [0, TOO_BIG],
    ] as const) {
      const { parser, recorder } = parserWith(LIMIT, plain);
      feed(parser, bytesOf({ opcode: BINARY, rsv, fin: false }));
      feed(parser, bytesOf({ opcode: CONTINUATION, declaredLength: LIMIT + 1 }).subarray(0, 10));
      assert.deepEqual(recorder.events, events);
    }
  });

  it("holds for a message that is not, on the same connection", () => {
    const { parser, recorder } = parserWith(LIMIT, plain);
    feed(parser, bytesOf({ opcode: BINARY, rsv: 4, payload: "a" }));
    feed(parser, bytesOf({ opcode: BINARY, declaredLength: LIMIT + 1 }).subarray(0, 10));
    assert.deepEqual(recorder.events, ["binary 61", ...TOO_BIG]);
  });

  it("is handed to inflate, whatever that makes of it", () => {
    const limits: number[] = [];
    const inflater: MessageInflater = {
      inflate(payload, maxBytes) {
        limits.push(maxBytes);
        return payload.length > 1 ? "too-big" : Buffer.alloc(maxBytes, 0x61);
      },
    };
    const { parser, recorder } = parserWith(LIMIT, inflater);
    feed(parser, bytesOf({ opcode: TEXT, rsv: 4, payload: "x" }));
    for (const frame of fragments(TEXT, "xx", 1, { rsv: 4 })) feed(parser, bytesOf(frame));
    assert.deepEqual(recorder.events, [message(Buffer.alloc(LIMIT, 0x61), false), ...TOO_BIG]);
    assert.deepEqual(limits, [LIMIT, LIMIT]);
  });
});

describe("empty fragments", () => {
  it("are taken up to 128 for each message", () => {
    const { parser, recorder } = parserWith(10);
    for (let times = 0; times < 3; times++) {
      feed(parser, bytesOf({ opcode: TEXT, fin: false }));
      for (let count = 1; count < 128; count++) feed(parser, bytesOf({ opcode: CONTINUATION, fin: false }));
      feed(parser, bytesOf({ opcode: CONTINUATION }));
    }
    assert.deepEqual(recorder.events, Array(3).fill('text ""'));
  });

  it("are counted among others as well", () => {
    const { parser, recorder } = parserWith(LIMIT);
    feed(parser, bytesOf({ opcode: BINARY, payload: "a", fin: false }));
    for (let count = 0; count < 129; count++) {
      assert.deepEqual(recorder.events, []);
      feed(parser, bytesOf({ opcode: CONTINUATION, payload: "a", fin: false }));
      feed(parser, bytesOf({ opcode: CONTINUATION, fin: false }));
    }
    assert.deepEqual(recorder.events, ["violation too-many-empty-fragments"]);
  });
});

describe("memory", () => {
  it("is not to be had for a header", () => {
    const before = process.memoryUsage().arrayBuffers;
    const parsers = Array.from({ length: 100 }, (_, index) => {
      const { parser } = parserWith(64 * MIB);
      const frame = bytesOf({
        opcode: index % 2 === 0 ? TEXT : BINARY,
        fin: index % 3 !== 0,
        declaredLength: 64 * MIB,
      });
      feed(parser, Buffer.concat([frame, Buffer.alloc(10, 0x61)]), [14]);
      return parser;
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < MIB);
    assert.ok(parsers.every((parser) => parser.assembledBytes === 10 || !parser.inMessage));
  });

  /** The largest buffer that was set aside stands behind the message it became. */
  for (const [says, frames, cut] of [
    ["in 65,536 fragments", fragments(TEXT, Buffer.alloc(4 * MIB, 0x61), 64), 0],
    ["in 65,536 fragments, each in two pieces", fragments(TEXT, Buffer.alloc(4 * MIB, 0x61), 64), 20],
    ["compressed, in 65,536 fragments", fragments(BINARY, Buffer.alloc(4 * MIB, 0x61), 64, { rsv: 4 }), 0],
    ["in one frame, 100 bytes at a time", [{ opcode: TEXT, payload: Buffer.alloc(4 * MIB, 0x61) }], 100],
  ] as const) {
    it(`for 4 MiB ${says} takes no time, and twice the room at most`, () => {
      let seen = 0;
      let room = 0;
      const parser = new SinkParser(
        { role: "server", maxMessageBytes: 4 * MIB, inflater: plain },
        {
          onMessage(bytes, start, end) {
            seen = end - start;
            room = bytes.buffer.byteLength;
            assert.ok(bytes.subarray(start, end).every((byte) => byte === 0x61));
          },
          onPing: () => assert.fail(),
          onPong: () => assert.fail(),
          onClose: () => assert.fail(),
          onViolation: ({ name }) => assert.fail(name),
        },
      );
      const wire = frames.map(bytesOf);
      const cpu = process.cpuUsage();
      for (const bytes of wire) feed(parser, bytes, cut === 0 ? [] : cutEvery(cut, bytes.length));
      const { user, system } = process.cpuUsage(cpu);
      assert.equal(seen, 4 * MIB);
      assert.ok(room <= 8 * MIB, `${room} bytes for 4 MiB`);
      // Half a second; where every fragment moves all that came before it, a minute.
      assert.ok(user + system < 10e6, `${(user + system) / 1e6} s`);
    });
  }

  it("of what was refused is let go", () => {
    const { parser } = parserWith(LIMIT);
    feed(parser, bytesOf({ opcode: TEXT, payload: Buffer.alloc(1000, 0x61), fin: false }));
    assert.equal(parser.assembledBytes, 1000);
    feed(parser, bytesOf({ opcode: CONTINUATION, payload: hex("ff"), fin: false }));
    assert.equal(parser.assembledBytes, 0);
  });

  it("of a message is let go once it is handed on", () => {
    const { parser, recorder } = parserWith(LIMIT);
    for (const frame of fragments(TEXT, "abc", 1)) feed(parser, bytesOf(frame));
    assert.equal(parser.assembledBytes, 0);
    feed(parser, bytesOf({ opcode: TEXT, payload: "d", fin: false }));
    assert.equal(parser.assembledBytes, 1);
    assert.deepEqual(recorder.events, ['text "abc"'], "the buffer of the next message is another one");
  });
});

describe("the work of one call", () => {
  const bomb: MessageInflater = { inflate: () => Buffer.alloc(64 * KIB) };
  const MUCH = 1_000_000;
  const rows: readonly [string, FrameSpec, number][] = [
    ["an empty message", { opcode: TEXT, payload: "" }, 1],
    ["a short one", { opcode: BINARY, payload: Buffer.alloc(100) }, 1],
    ["one of a byte less than 2 KiB", { opcode: TEXT, payload: "x".repeat(2 * KIB - 1) }, 1],
    ["one of 2 KiB", { opcode: TEXT, payload: "x".repeat(2 * KIB) }, 2],
    ["one of 15 KiB", { opcode: BINARY, payload: Buffer.alloc(15 * KIB) }, 8],
    ["a ping", { opcode: 9, payload: "ping" }, 1],
    ["a pong", { opcode: 10, payload: "" }, 1],
    ["a compressed one, by what it inflates to", { opcode: BINARY, rsv: 4, payload: "x" }, 33],
  ];
  for (const [what, spec, cost] of rows) {
    it(`${what} is ${cost}, and it leaves off when so much is done`, () => {
      const frame = bytesOf(spec);
      const count = 7;
      const bytes = Buffer.concat(Array.from({ length: count }, () => frame));
      for (const isShared of [true, false]) {
        if (isShared && bytes.length > readBuffer().length) continue;
        const chunk = isShared ? readBuffer() : Buffer.alloc(bytes.length);
        chunk.set(bytes);
        for (const work of [1, cost, cost + 1, 3 * cost - 1, 3 * cost, count * cost, MUCH]) {
          const { parser, recorder } = parserWith(LIMIT, bomb);
          let at = 0;
          for (let done = 0; done < count;) {
            const begun = recorder.events.length;
            at = parser.receive(chunk, at, bytes.length, work);
            const here = Math.min(Math.ceil(work / cost), count - done);
            assert.equal(recorder.events.length - begun, here, `with work ${work}`);
            assert.equal(parser.workLeft, work - here * cost, `with work ${work}`);
            done += here;
            assert.equal(at, done * frame.length);
          }
        }
      }
    });
  }

  it("counts a frame that comes in parts once, and 2 KiB of each part", () => {
    const { parser } = parserWith(LIMIT);
    const bytes = bytesOf({ opcode: BINARY, payload: Buffer.alloc(9 * KIB) });
    const works = [4 * KIB, 8 * KIB, bytes.length].map((end, i, ends) => {
      assert.equal(parser.receive(bytes, ends[i - 1] ?? 0, end, MUCH), end);
      return MUCH - parser.workLeft;
    });
    assert.deepEqual(works, [2, 2, 0]);
  });

  it("goes on with nothing that it was not allowed", () => {
    const { parser, recorder } = parserWith(LIMIT);
    const bytes = bytesOf({ opcode: TEXT, payload: "x" });
    for (const work of [0, -5]) assert.equal(parser.receive(bytes, 0, bytes.length, work), 0);
    assert.deepEqual(recorder.events, []);
  });
});

it("what has come in part is known by its memory", () => {
  const { parser } = parserWith(LIMIT);
  assert.deepEqual([parser.partial, parser.inMessage], [null, false]);
  feed(parser, bytesOf({ opcode: TEXT, payload: "whole" }));
  assert.deepEqual([parser.partial, parser.inMessage], [null, false]);
  const ping = bytesOf({ opcode: 9, payload: "ping" });
  for (const end of [1, 2, ping.length - 1]) {
    const { parser: another } = parserWith(LIMIT);
    feed(another, ping.subarray(0, end));
    assert.ok(another.inMessage);
    assert.ok(another.partial!.length >= end && another.partial!.length < 256);
    feed(another, ping.subarray(end));
    assert.deepEqual([another.partial, another.inMessage], [null, false]);
  }
  feed(parser, bytesOf({ opcode: TEXT, payload: Buffer.alloc(10 * KIB, 0x61), fin: false }));
  assert.ok(parser.inMessage && parser.partial!.length >= 10 * KIB);
  feed(parser, bytesOf({ opcode: CONTINUATION, payload: "" }));
  assert.deepEqual([parser.partial, parser.inMessage], [null, false]);
});

it("what comes after the end is passed over to its end", () => {
  const { parser, recorder } = parserWith(LIMIT);
  const bytes = Buffer.concat([bytesOf({ opcode: 8, payload: "" }), bytesOf({ opcode: TEXT, payload: "late" })]);
  for (let i = 0; i < 2; i++) assert.equal(parser.receive(bytes, 0), bytes.length);
  assert.equal(recorder.events.length, 1);
});
