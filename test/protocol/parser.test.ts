import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { readBuffer } from "#hawser/protocol/mask.js";
import type { MessageInflater, ParserOptions } from "#hawser/protocol/parser-options.js";
import { PayloadMemory } from "#hawser/protocol/payload-memory.js";
import { type ViolationName, violations } from "#hawser/protocol/violations.js";
import { BINARY, encodeFrame, fragments, type FrameSpec, PING, PONG, TEXT, toBytes } from "../harness/frames.js";
import { everyCut, feed, hex, masked, message, Recorder, SinkParser } from "./harness/recorder.js";

type Role = ParserOptions["role"];

const KEY = hex("37fa213d");
const LIMIT = 1000;
const ROLES = ["server", "client"] as const;

/** In place of permessage-deflate: "too-big" and "invalid" when the payload begins with b or i, else the payload twice. */
const doubler: MessageInflater = {
  inflate(payload, maxBytes) {
    if (payload[0] === 0x62 || payload.length * 2 > maxBytes) return "too-big";
    if (payload[0] === 0x69) return "invalid";
    return Buffer.concat([payload, payload]);
  },
};

/** Pauses after every event. */
class Pausing extends Recorder {
  parser: SinkParser | null = null;
  override onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    super.onMessage(bytes, start, end, isBinary);
    this.parser?.pause();
  }
  override onPing(payload: Buffer): void {
    super.onPing(payload);
    this.parser?.pause();
  }
}

function parse(role: Role, bytes: Buffer, cuts: number[] = [], options: Partial<ParserOptions> = {}): string[] {
  const read = (recorder: Recorder, isShared: boolean): string[] => {
    const parser = new SinkParser({ role, maxMessageBytes: LIMIT, inflater: doubler, ...options }, recorder);
    if (recorder instanceof Pausing) recorder.parser = parser;
    feed(parser, bytes, cuts, isShared);
    return recorder.events;
  };
  const events = read(new Recorder(), false);
  assert.deepEqual(read(new Recorder(), true), events, "as the shared buffer has it, against memory of its own");
  assert.deepEqual(read(new Pausing(), false), events, "with a pause after each message, against all at once");
  return events;
}

/** Frames in hex, unmasked, as the bytes that an endpoint in this role reads. */
function wire(role: Role, frames: readonly string[]): Buffer {
  return Buffer.concat(frames.map((frame) => (role === "server" ? masked(hex(frame), KEY) : hex(frame))));
}

/** 126 and more zeros after their header. */
function zeros(header: string, length: number): string {
  return header + "00".repeat(length);
}

function sameAtEveryCut(role: Role, bytes: Buffer, expected: string[], options: Partial<ParserOptions> = {}): void {
  for (const cuts of everyCut(bytes.length))
    assert.deepEqual(parse(role, bytes, cuts, options), expected, `cut at ${cuts.join(" ")}`);
}

describe("the examples of RFC 6455 5.7, as they stand there", () => {
  const rows: Array<[Role, bytes: string, events: string[]]> = [
    ["client", "81 05 48 65 6c 6c 6f", ['text "Hello"']],
    ["server", "81 85 37 fa 21 3d 7f 9f 4d 51 58", ['text "Hello"']],
    ["client", "01 03 48 65 6c 80 02 6c 6f", ['text "Hello"']],
    ["client", "89 05 48 65 6c 6c 6f", ["ping 48656c6c6f"]],
    ["server", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", ["pong 48656c6c6f"]],
    ["client", zeros("82 7e 01 00", 256), [message(Buffer.alloc(256), true)]],
  ];
  for (const [role, bytes, events] of rows)
    it(`${role}: ${bytes.slice(0, 40)}`, () => sameAtEveryCut(role, hex(bytes), events));

  it("client: 64 KiB in one frame", () => {
    const bytes = hex(zeros("82 7f 00 00 00 00 00 01 00 00", 65_536));
    for (const cuts of [[], [1], [9], [10], [11], [40_000], [3, 20, 65_545]])
      assert.deepEqual(parse("client", bytes, cuts, { maxMessageBytes: 65_536 }), [
        message(Buffer.alloc(65_536), true),
      ]);
  });
});

describe("what a peer may send", () => {
  const rows: Array<[says: string, frames: string[], events: string[]]> = [
    ["empty text", ["8100"], ['text ""']],
    ["empty binary", ["8200"], ["binary "]],
    ["binary", ["8203 00ff80"], ["binary 00ff80"]],
    ["text past ASCII", ["8109 c3a9 e282ac f09f918b"], ['text "é€👋"']],
    [
      "messages back to back",
      ["8101 61", "8201 62", "8100", "8101 63"],
      ['text "a"', "binary 62", 'text ""', 'text "c"'],
    ],
    ["fragments", ["0101 61", "0001 62", "0001 63", "8001 64"], ['text "abcd"']],
    ["binary fragments that are no text", ["0201 ff", "0001 c0", "8001 80"], ["binary ffc080"]],
    ["empty fragments", ["0100", "0000", "0001 61", "0000", "8000"], ['text "a"']],
    ["nothing but empty fragments", ["0200", "8000"], ["binary "]],
    ["fragments, then a whole message", ["0101 61", "8001 62", "8101 63"], ['text "ab"', 'text "c"']],
    ["a character across fragments", ["0101 ce", "8001 ba"], ['text "κ"']],
    ["one of four bytes, a byte each", ["0101 f0", "0001 9f", "0001 91", "8001 8b"], ['text "👋"']],
    ["one across three with nothing between", ["0101 e2", "0000", "0001 82", "0000", "8001 ac"], ['text "€"']],
    ["empty control frames", ["8900", "8a00"], ["ping ", "pong "]],
    ["the longest ping", [`897d${"ab".repeat(125)}`], [`ping ${"ab".repeat(125)}`]],
    // RFC 6455 5.4: control frames may be injected in the middle of a fragmented message.
    [
      "control frames between fragments",
      ["0101 61", "8901 70", "0001 62", "8a01 71", "8001 63"],
      ["ping 70", "pong 71", 'text "abc"'],
    ],
    ["a ping within a character", ["0101 ce", "8902 ffff", "8001 ba"], ["ping ffff", 'text "κ"']],
    [
      "a long binary after a short one",
      ["8201 01", zeros("827e 012c", 300)],
      ["binary 01", message(Buffer.alloc(300), true)],
    ],
    ["a close frame without a body", ["8800"], ['close 1005 ""']],
    ["a close frame", ["8805 03e8 627965"], ['close 1000 "bye"']],
    ["the longest close frame", [`887d03e8${"61".repeat(123)}`], [`close 1000 "${"a".repeat(123)}"`]],
    ["nothing after a close frame", ["8802 0bb8", "8101 61", "8900", "ff00"], ['close 3000 ""']],
    ["a close frame between fragments", ["0101 61", "8802 03e9", "8001 62"], ['close 1001 ""']],
    ["a compressed message", ["c102 6162"], ['text "abab"']],
    [
      "compressed and not, in turn",
      ["c202 6162", "8202 6162", "c101 61"],
      ["binary 61626162", "binary 6162", 'text "aa"'],
    ],
    // RFC 7692 6.1: RSV1 on the first fragment alone.
    ["compressed fragments", ["4101 61", "8900", "0001 62", "8001 63"], ["ping ", 'text "abcabc"']],
    ["a compressed last fragment without a payload", ["4101 61", "8000"], ['text "aa"']],
    [
      "a compressed message, then fragments that are not",
      ["4101 61", "8001 62", "0101 63", "8001 64"],
      ['text "abab"', 'text "cd"'],
    ],
    ["compressed bytes that are no text as they come", ["4201 ff", "8001 fe"], ["binary fffefffe"]],
    ["an empty payload to inflate", ["c100"], ['text ""']],
  ];
  for (const role of ROLES)
    for (const [says, frames, events] of rows)
      it(`${says} (${role})`, () => sameAtEveryCut(role, wire(role, frames), events));

  it("a message ends with nothing left over (server)", () => {
    const all = rows.filter(([, , events]) => !events.some((event) => event.startsWith("close")));
    const bytes = wire(
      "server",
      all.flatMap(([, frames]) => frames),
    );
    const expected = all.flatMap(([, , events]) => events);
    for (let step = 1; step < 200; step += 7) {
      const cuts = Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => (i + 1) * step);
      assert.deepEqual(parse("server", bytes, cuts), expected, `pieces of ${step}`);
    }
  });
});

/** What a peer must not send: by violation, the ways to commit it. The last event is the violation, those before it stand here. */
type Row = [
  says: string,
  frames: string[],
  before?: string[],
  role?: Role | undefined,
  options?: Partial<ParserOptions>,
];

const VIOLATIONS: Record<ViolationName, { code: number; rows: Row[] }> = {
  "reserved-bits": {
    code: 1002,
    rows: [
      ["RSV1 where nothing was negotiated", ["c101 61"], [], undefined, { inflater: null }],
      ["RSV2", ["a101 61"]],
      ["RSV3", ["9101 61"]],
      ["RSV1 and RSV2", ["e101 61"]],
      ["RSV1 and RSV3", ["d201 61"]],
      ["RSV1 on a ping", ["c900"]],
      ["RSV1 on a close frame", ["c800"]],
      ["RSV1 on a continuation", ["4101 61", "c001 62"]],
      ["after a message", ["8101 61", "f101 62"], ['text "a"']],
    ],
  },
  "reserved-opcode": {
    code: 1002,
    rows: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Row[] => [
      [`opcode ${opcode}`, [`8${opcode.toString(16)}00`]],
      [`opcode ${opcode} with a payload, between fragments`, ["0101 61", `0${opcode.toString(16)}01 62`]],
    ]),
  },
  "unmasked-frame": { code: 1002, rows: [["a client that does not mask", [], [], "server"]] },
  "masked-frame": { code: 1002, rows: [["a server that masks", [], [], "client"]] },
  "fragmented-control": {
    code: 1002,
    rows: [
      ["a ping", ["0900"]],
      ["a pong", ["0a01 61"]],
      ["a close frame", ["0802 03e8"]],
    ],
  },
  "control-too-long": {
    code: 1002,
    rows: [
      ["a ping of 126 bytes", [zeros("897e 007e", 126)]],
      ["a close frame of 126 bytes", [zeros("887e 007e", 126)]],
      ["a pong of 64 KiB, before it comes", ["8a7f 0000000000010000"]],
    ],
  },
  "non-minimal-length": {
    code: 1002,
    rows: [
      ["nothing in two bytes", ["827e 0000"]],
      ["125 in two bytes", [zeros("827e 007d", 125)]],
      ["125 in eight bytes", [zeros("827f 000000000000007d", 125)]],
      ["65,535 in eight bytes", ["827f 000000000000ffff"]],
      ["in a continuation", ["0201 61", "807e 0001 62"]],
    ],
  },
  "invalid-length": {
    code: 1002,
    rows: [
      ["2^63", ["827f 8000000000000000"]],
      ["2^64 - 1", ["827f ffffffffffffffff"]],
      ["2^63 and a little", ["827f 8000000000000001 61"]],
    ],
  },
  "unexpected-continuation": {
    code: 1002,
    rows: [
      ["a last one", ["8001 61"]],
      ["a first one", ["0001 61"]],
      ["after a whole message", ["8101 61", "8001 62"], ['text "a"']],
      ["after the last fragment", ["0101 61", "8001 62", "8001 63"], ['text "ab"']],
      ["after a compressed message", ["c101 61", "8001 62"], ['text "aa"']],
    ],
  },
  "expected-continuation": {
    code: 1002,
    rows: [
      ["text", ["0101 61", "8101 62"]],
      ["binary", ["0201 61", "8900", "0201 62"], ["ping "]],
      ["after an empty fragment", ["0100", "8100"]],
      ["compressed", ["4101 61", "c101 61"]],
    ],
  },
  "invalid-close-payload": { code: 1002, rows: [["one byte", ["8801 03"]]] },
  "invalid-close-code": {
    code: 1002,
    rows: [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code): Row => [
      `${code}`,
      [`8802 ${code.toString(16).padStart(4, "0")}`],
    ]),
  },
  "invalid-utf8": {
    code: 1007,
    rows: [
      ["in one frame", ["8101 ff"]],
      ["in one long frame", [`817e 0100 ${"61".repeat(255)} ff`]],
      ["in the last fragment", ["0101 61", "8001 ff"]],
      ["in the first fragment", ["0101 ff", "8001 61"]],
      ["a surrogate", ["8103 eda080"]],
      ["a surrogate in fragments, before its last byte", ["0102 eda0", "8900"]],
      ["overlong, in fragments", ["0101 c0", "0001 af"]],
      ["cut at the end of a frame", ["8102 61c3"]],
      ["cut at the end of the last fragment", ["0101 e2", "8001 82"]],
      ["cut at the end, and the last fragment empty", ["0101 c3", "8000"]],
      ["in a close reason", ["8803 03e8 ff"]],
      ["in what was compressed", ["c101 ff"]],
      ["cut at the end of what was compressed", ["4101 61", "8001 c3"]],
    ],
  },
  "invalid-compressed-data": {
    code: 1007,
    rows: [
      ["in one frame", ["c101 69"]],
      ["in fragments", ["4201 69", "8001 61"]],
    ],
  },
  "message-too-big": {
    code: 1009,
    rows: [
      ["in one frame", [zeros("827e 03e9", 1001)]],
      ["by what is declared", ["827f 7fffffffffffffff"]],
      ["in the last fragment", [zeros("027e 03e8", 1000), "8001 00"]],
      ["after it was inflated", ["c101 62"]],
    ],
  },
  "too-many-empty-fragments": {
    code: 1008,
    rows: [["129 of them", ["0100", ...Array.from({ length: 128 }, () => "0000")]]],
  },
};

describe("what a peer must not send", () => {
  it("is tried for each violation of the catalogue, which says the same close code", () => {
    assert.deepEqual(
      Object.fromEntries(Object.entries(VIOLATIONS).map(([name, { code }]) => [name, code])),
      Object.fromEntries(Object.entries(violations).map(([name, [code]]) => [name, code])),
    );
  });

  for (const [name, { rows }] of Object.entries(VIOLATIONS))
    for (const [says, frames, before = [], only, options] of rows)
      for (const role of only === undefined ? ROLES : [only]) {
        it(`${name}: ${says} (${role})`, () => {
          // Masked by a client is right, and so is a server's frame that is not: here it is the other way round.
          const bytes =
            only === undefined ? wire(role, frames) : wire(role === "server" ? "client" : "server", ["8101 61"]);
          // Whatever follows is not looked at.
          const more = Buffer.concat([bytes, wire(role, ["8101 7a", "8800", "ff7f"])]);
          sameAtEveryCut(role, more, [...before, `violation ${name}`], options);
        });
      }

  it("is found by the header alone: nothing of the payload is waited for", () => {
    const rows: Array<[header: string, name: ViolationName]> = [
      ["b185", "reserved-bits"],
      ["83fd", "reserved-opcode"],
      ["8105", "unmasked-frame"],
      ["0985", "fragmented-control"],
      ["89fe", "control-too-long"],
      ["89ff", "control-too-long"],
      ["82fe007d", "non-minimal-length"],
      ["82ff000000000000ffff", "non-minimal-length"],
      ["82ff8000000000000000", "invalid-length"],
      ["8085", "unexpected-continuation"],
      ["82fe03e9", "message-too-big"],
      ["82ff0000000000010000", "message-too-big"],
    ];
    for (const [header, name] of rows) assert.deepEqual(parse("server", hex(header)), [`violation ${name}`], header);
  });
});

describe("text that is none fails at its first bad byte, RFC 6455 8.1", () => {
  const rows: Array<[text: string, bad: number]> = [
    ["6162 ff 63", 2],
    ["80", 0],
    ["c0 af", 0],
    ["c1 bf", 0],
    ["61 c3 28", 2],
    ["e0 9f bf", 1],
    ["e2 82 28", 2],
    ["ed a0 80", 1],
    ["ceba e1bdb9 cf83 cebc ceb5 eda080 6564", 12],
    ["f0 8f bf bf", 1],
    ["f0 9f 91 c3", 3],
    ["f4 90 80 80", 1],
    ["f5 80 80 80", 0],
    [`${"61".repeat(150)} f09f918b ${"c3a9".repeat(20)} a9`, 194],
  ];
  for (const [text, bad] of rows) {
    const payload = hex(text);
    for (const [says, first, frameOf] of [
      ["in one frame", "8000", (bytes: Buffer): Buffer => bytes],
      [
        "in fragments",
        "0000",
        (bytes: Buffer): Buffer => encodeFrame({ opcode: 0, fin: false, payload: bytes, mask: KEY }),
      ],
    ] as const) {
      it(`${says}: ${text.slice(0, 40)}, byte ${bad}`, () => {
        for (let cut = 1; cut <= payload.length; cut++) {
          const recorder = new Recorder();
          const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, recorder);
          // More is declared than comes: the end of the text is never reached.
          if (first === "8000") feed(parser, hex("81fe 03e8 00000000"));
          else feed(parser, hex("0180 00000000"));
          feed(parser, frameOf(payload.subarray(0, cut)));
          assert.deepEqual(recorder.events, cut > bad ? ["violation invalid-utf8"] : [], `after ${cut} bytes`);
          feed(parser, frameOf(payload.subarray(cut)));
          assert.deepEqual(recorder.events, ["violation invalid-utf8"], `cut at ${cut}`);
        }
      });
    }
  }
});

describe("pause", () => {
  const frames = ["8101 61", "0101 62", "8901 70", "8001 63", "8202 0102", "8101 64"];
  const events = ['text "a"', "ping 70", 'text "bc"', "binary 0102", 'text "d"'];

  it("stops after the frame, in the middle of a chunk; what is left is read on from there", () => {
    const sink = new Pausing();
    const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, sink);
    sink.parser = parser;
    const chunk = wire("server", frames);
    const stops: number[] = [];
    for (let at = 0; at < chunk.length;) stops.push((at = parser.receive(chunk, at)));
    // Masked, each frame has six bytes and its payload; the first fragment raises nothing and does not stop.
    assert.deepEqual(stops, [7, 21, 28, 36, 43]);
    assert.deepEqual(sink.events, events);
  });

  it("leaves the rest as it was: still masked", () => {
    const sink = new Pausing();
    const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, sink);
    sink.parser = parser;
    const chunk = wire("server", frames);
    const rest = Buffer.from(chunk.subarray(7));
    assert.equal(parser.receive(chunk, 0), 7);
    assert.ok(chunk.subarray(7).equals(rest));
  });

  it("at every cut", () => {
    const bytes = wire("server", frames);
    for (const isShared of [false, true]) {
      for (const cuts of everyCut(bytes.length)) {
        const sink = new Pausing();
        sink.parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, sink);
        feed(sink.parser, bytes, cuts, isShared);
        assert.deepEqual(sink.events, events);
      }
    }
  });

  it("after each of many messages: each is unmasked once", () => {
    class Counting extends PayloadMemory {
      reserved = 0;
      override reserve(length: number): number {
        this.reserved += length;
        return super.reserve(length);
      }
    }
    const payload = Buffer.alloc(50, 0x61);
    const bytes = Buffer.concat(Array.from({ length: 100 }, () => encodeFrame({ opcode: TEXT, payload, mask: KEY })));
    for (const isShared of [false, true]) {
      const sink = new Pausing();
      const memory = new Counting();
      sink.parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null, memory }, sink);
      feed(sink.parser, bytes, [], isShared);
      assert.equal(memory.reserved, 100 * (payload.length + 2));
      assert.deepEqual(sink.events, Array(100).fill(message(payload, false)));
    }
  });

  it("goes on with a part of what is left, then the rest", () => {
    const bytes = wire("server", ["8101 61", "8101 62", "8101 63", "8102 6465", "8101 66"]);
    for (const isShared of [false, true]) {
      for (let cut = 7; cut <= bytes.length; cut++) {
        const sink = new Pausing();
        const parser = (sink.parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, sink));
        const chunk = isShared ? readBuffer() : Buffer.alloc(bytes.length);
        bytes.copy(chunk);
        let at = parser.receive(chunk, 0, bytes.length);
        assert.equal(at, 7);
        for (const end of [cut, bytes.length]) {
          while (at < end) at = parser.receive(chunk, at, end);
          assert.equal(at, end);
        }
        assert.deepEqual(sink.events, ['text "a"', 'text "b"', 'text "c"', 'text "de"', 'text "f"'], `cut at ${cut}`);
      }
    }
  });

  it("before receive changes nothing", () => {
    const recorder = new Recorder();
    const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, recorder);
    parser.pause();
    const chunk = wire("server", frames);
    assert.equal(parser.receive(chunk, 0), chunk.length);
    assert.deepEqual(recorder.events, events);
  });
});

describe("an amount of work", () => {
  const KIB = 1024;
  const wholeOf = (bytes: number): Buffer => encodeFrame({ opcode: BINARY, payload: Buffer.alloc(bytes), mask: KEY });
  const parserOf = (sink: Recorder): SinkParser =>
    new SinkParser({ role: "server", maxMessageBytes: 100 * KIB, inflater: doubler }, sink);

  it("is one frame of whatever kind: a message, a fragment, a control frame", () => {
    const sink = new Recorder();
    const parser = parserOf(sink);
    const chunk = wire("server", ["8101 61", "0101 62", "0000", "8901 70", "8001 63", "8a00"]);
    const stops: number[] = [];
    for (let at = 0; at < chunk.length;) stops.push((at = parser.receive(chunk, at, chunk.length, 1)));
    assert.deepEqual(stops, [7, 14, 20, 27, 34, 40]);
    assert.equal(parser.workLeft, 0);
  });

  it("is 2 KiB of a message as well, when it comes whole, in parts, or compressed", () => {
    const bytes = wholeOf(20 * KIB);
    const parser = parserOf(new Recorder());
    parser.receive(bytes, 0, bytes.length, 100);
    assert.equal(parser.workLeft, 100 - 1 - 10);
    parser.receive(bytes, 0, 9 * KIB, 100);
    assert.equal(parser.workLeft, 100 - 1 - 4);
    parser.receive(bytes, 9 * KIB, bytes.length, 100);
    assert.ok(parser.workLeft <= 100 - 5);
    const compressed = encodeFrame({ opcode: BINARY, rsv: 4, payload: Buffer.alloc(20 * KIB), mask: KEY });
    parser.receive(compressed, 0, compressed.length, 100);
    assert.equal(parser.workLeft, 100 - 1 - 10 - 20);
  });

  it("stops among messages that were unmasked together, and goes on where it left off", () => {
    const chunk = Buffer.concat(Array.from({ length: 10 }, () => wholeOf(50)));
    const sink = new Recorder();
    const parser = parserOf(sink);
    let at = 0;
    for (let taken = 3; at < chunk.length; taken += 3) {
      at = parser.receive(chunk, at, chunk.length, 3);
      assert.equal(sink.events.length, Math.min(taken, 10));
    }
    assert.deepEqual(sink.events, Array(10).fill(message(Buffer.alloc(50), true)));
  });
});

describe("halt", () => {
  const frames = ["8101 61", "0101 62", "8901 70", "8001 63", "8101 64"];

  it("ignores what comes from then on, at every cut", () => {
    const bytes = wire("server", frames);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const recorder = new Recorder();
      const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, recorder);
      feed(parser, bytes.subarray(0, cut));
      const before = recorder.events;
      parser.halt();
      assert.equal(parser.inMessage, false);
      assert.equal(parser.assembledBytes, 0);
      assert.equal(parser.receive(Buffer.from(bytes), cut), bytes.length, "all is taken, and nothing read");
      assert.deepEqual(recorder.events, before);
      assert.equal(parser.inMessage, false);
    }
  });

  for (const [says, at] of [
    ["a message", 0],
    ["a ping between fragments", 1],
    ["a message of fragments", 2],
  ] as const) {
    it(`by the sink, from within ${says}`, () => {
      const bytes = wire("server", frames);
      for (const cuts of everyCut(bytes.length)) {
        let parser: SinkParser | null = null;
        let seen = 0;
        const count = (): void => {
          if (seen++ === at) parser?.halt();
        };
        const sink = { onMessage: count, onPing: count, onPong: count, onClose: count, onViolation: count };
        parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, sink);
        feed(parser, bytes, cuts);
        assert.equal(seen, at + 1);
        assert.equal(parser.inMessage, false);
      }
    });
  }
});

describe("inMessage", () => {
  const rows: Array<[frames: string[], between: number[]]> = [
    [
      ["8101 61", "8100", "8900", "8a01 61"],
      [7, 13, 19, 26],
    ],
    [
      ["0101 61", "8001 62", "8101 63"],
      [14, 21],
    ],
    [["0101 61", "8900", "0000", "8000"], [25]],
    [
      ["c102 6162", "4101 61", "8001 61"],
      [8, 22],
    ],
    [[zeros("827e 0080", 128)], [136]],
  ];
  for (const [frames, between] of rows) {
    it(`is false before the first byte and after ${between.join(", ")} of ${frames.join(", ").slice(0, 40)}`, () => {
      const bytes = wire("server", frames);
      for (let cut = 0; cut <= bytes.length; cut++) {
        for (const cuts of everyCut(cut)) {
          const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: doubler }, new Recorder());
          feed(parser, bytes.subarray(0, cut), cuts);
          assert.equal(
            parser.inMessage,
            cut !== 0 && !between.includes(cut),
            `after ${cut} bytes, cut at ${cuts.join(" ")}`,
          );
        }
      }
    });
  }

  it("is false while the sink is handed a message, true for a ping between fragments", () => {
    const seen: boolean[] = [];
    let parser: SinkParser | null = null;
    const note = (): void => void seen.push(parser?.inMessage ?? true);
    const sink = { onMessage: note, onPing: note, onPong: note, onClose: note, onViolation: note };
    for (const cuts of [[], [3], [8], [10], [16], [20], [23]]) {
      parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, sink);
      feed(parser, wire("server", ["8101 61", "0101 61", "8900", "8001 62", "8800"]), cuts);
      assert.deepEqual(seen.splice(0), [false, true, false, false], `cut at ${cuts.join(" ")}`);
    }
  });

  it("is false after a violation", () => {
    const parser = new SinkParser({ role: "server", maxMessageBytes: LIMIT, inflater: null }, new Recorder());
    feed(parser, wire("server", ["0101 61", "8101 61"]));
    assert.equal(parser.inMessage, false);
  });
});

/** What a writer may write: a message in fragments, with control frames in between; and the events it should raise. */
interface Written {
  frames: FrameSpec[];
  events: string[];
}

const payloads = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(125, 126, 127, 300, 65_535, 65_536), fc.nat(255))
      .map(([n, byte]) => Buffer.alloc(n, byte)),
  },
);
const controls = fc.array(fc.tuple(fc.constantFrom(PING, PONG), fc.uint8Array({ maxLength: 125 })), { maxLength: 2 });
const written: fc.Arbitrary<Written> = fc
  .record({
    payload: payloads,
    parts: fc.integer({ min: 1, max: 5 }),
    between: fc.array(controls, { minLength: 5, maxLength: 5 }),
  })
  .map(({ payload, parts, between }) => {
    const isBinary = typeof payload !== "string";
    const bytes = toBytes(payload);
    const events: string[] = [];
    const frames = fragments(isBinary ? BINARY : TEXT, bytes, Math.max(1, Math.ceil(bytes.length / parts))).flatMap(
      (fragment, index) => {
        const before = index === 0 ? [] : (between[index] ?? []);
        events.push(
          ...before.map(
            ([opcode, sent]) => `${opcode === PING ? "ping" : "pong"} ${Buffer.from(sent).toString("hex")}`,
          ),
        );
        return [...before.map(([opcode, sent]): FrameSpec => ({ opcode, payload: sent })), fragment];
      },
    );
    return { frames, events: [...events, message(bytes, isBinary)] };
  });
const stream = fc.array(written, { minLength: 1, maxLength: 6 });
const keys = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Shares of the whole. */
const cutting = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

function bytesOf(messages: Written[], mask: Uint8Array | false): Buffer {
  return Buffer.concat(messages.flatMap(({ frames }) => frames.map((frame) => encodeFrame({ ...frame, mask }))));
}

function cutsOf(shares: number[], length: number): number[] {
  return shares.map((share) => Math.floor(share * length)).toSorted((a, b) => a - b);
}

describe("a random writer", () => {
  for (const role of ROLES) {
    it(`is read as what it wrote, however the bytes are cut (${role})`, () => {
      fc.assert(
        fc.property(stream, keys, cutting, (messages, key, shares) => {
          const bytes = bytesOf(messages, role === "server" ? key : false);
          const expected = messages.flatMap(({ events }) => events);
          assert.deepEqual(parse(role, bytes, cutsOf(shares, bytes.length), { maxMessageBytes: 70_000 }), expected);
        }),
        { seed: 6455, numRuns: 300 },
      );
    });
  }

  it("with bytes changed on the way raises the same events however they are cut, and ends at most once", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(stream, keys, cutting, changes, (messages, key, shares, changed) => {
        const bytes = bytesOf(messages, key);
        for (const [at, by] of changed) bytes[at % Math.min(bytes.length, 400)]! ^= by;
        const whole = parse("server", bytes, [], { maxMessageBytes: 70_000 });
        assert.deepEqual(parse("server", bytes, cutsOf(shares, bytes.length), { maxMessageBytes: 70_000 }), whole);
        const ends = whole.filter((event) => /^(violation|close)/.test(event)).length;
        assert.ok(ends === 0 || (ends === 1 && /^(violation|close)/.test(whole.at(-1)!)), whole.join(", "));
      }),
      { seed: 7692, numRuns: 500 },
    );
  });

  it("of anything at all never makes it throw", () => {
    const frames = fc.array(
      fc.tuple(
        fc.constantFrom(0x01, 0x02, 0x00, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0x41, 0xff, 0x83),
        fc.uint8Array({ maxLength: 30 }),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          frames.map((all) =>
            Buffer.concat(all.map(([first, rest]) => Buffer.from([first, 0x80 | rest.length, ...KEY, ...rest]))),
          ),
        ),
        (input) => {
          const bytes = Buffer.from(input);
          const byteByByte = Array.from({ length: bytes.length }, (_, i) => i);
          assert.deepEqual(parse("server", bytes, byteByByte), parse("server", bytes));
        },
      ),
      { seed: 13, numRuns: 1000 },
    );
  });
});
