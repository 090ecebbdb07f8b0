import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { readBuffer, unmaskFrames } from "#hawser/protocol/mask.js";
import { INPUT_BYTES, loadSimd, RESULT_BYTES } from "#hawser/protocol/simd.js";
import { BINARY, encodeFrame, type FrameSpec, PING, TEXT } from "../harness/frames.js";
import { hex, payloadOf } from "./harness/recorder.js";

const KEY = 0x04030201;
const KEYS = [hex("37fa213d"), hex("00000000"), hex("80ff0180")];

function plainly(payload: Buffer): Buffer {
  return payload.map((byte, i) => byte ^ ((i & 3) + 1)) as Buffer;
}

describe("mask", () => {
  const { input, results, mask } = loadSimd()!;

  it("leaves what it reads as it was, and writes at most 16 bytes past the results", () => {
    for (const length of [0, 1, 15, 16, 17, 31, 32, 1000, 1024, 16_384, RESULT_BYTES]) {
      for (const start of [0, 1, input.length - length]) {
        const payload = payloadOf(length);
        input.fill(0x55).set(payload, start);
        results.fill(0x55);
        const seen = mask(start, results.byteOffset, length, KEY);
        assert.ok(plainly(payload).equals(results.subarray(0, length)), `${length} from ${start}`);
        assert.equal(
          seen !== 0,
          plainly(payload).some((byte) => byte >= 0x80),
          `${length} from ${start}`,
        );
        assert.ok(payload.equals(input.subarray(start, start + length)));
        assert.ok(results.subarray(length + 16).every((byte) => byte === 0x55));
      }
    }
  });

  it("tells ASCII, whatever lies behind", () => {
    for (let length = 0; length < 50; length++) {
      const text = Buffer.alloc(length, 0x61);
      input.fill(0xff).set(plainly(text), 0);
      assert.equal(mask(0, results.byteOffset, length, KEY), 0, `length ${length}`);
      for (let at = 0; at < length; at++) {
        input[at]! ^= 0x80;
        assert.notEqual(mask(0, results.byteOffset, length, KEY), 0, `length ${length}, byte ${at}`);
        input[at]! ^= 0x80;
      }
    }
  });
});

for (const isInput of [true, false]) {
  describe(`unmaskFrames, from ${isInput ? "the buffer that sockets read into" : "other memory"}`, () => {
    const chunk = isInput ? readBuffer() : Buffer.alloc(INPUT_BYTES);

    function place(frames: readonly FrameSpec[], at = 0): number {
      chunk.fill(0xff);
      let end = at;
      for (const [i, frame] of frames.entries()) end += encodeFrame({ mask: KEYS[i % 3]!, ...frame }).copy(chunk, end);
      return end;
    }

    it("leaves each frame as a server sends it", () => {
      for (const length of [0, 1, 15, 16, 17, 125, 126, 127, 255, 256, 1000]) {
        const frames = [TEXT, BINARY, TEXT, BINARY].map((opcode) => ({ opcode, payload: payloadOf(length) }));
        for (const at of [0, 1, 2, 3, 1000]) {
          const end = place(frames, at);
          const before = Buffer.from(chunk);
          const unmasked = unmaskFrames(chunk, at, end, 1000)!;
          assert.equal(unmasked.end, end);
          assert.ok(
            Buffer.concat(frames.map((frame) => encodeFrame({ ...frame, mask: false }))).equals(unmasked.frames),
            `${length}`,
          );
          assert.equal(
            unmasked.isAscii,
            payloadOf(length).every((byte) => byte < 0x80),
          );
          assert.ok(chunk.equals(before));
        }
      }
    });

    it("knows when all of it is ASCII, and when a single byte is not", () => {
      for (const length of [1, 15, 16, 17, 64, 200]) {
        for (let odd = -1; odd < 3; odd++) {
          const payloads = [0, 1, 2].map((i) => Buffer.alloc(length, 0x61).fill(i === odd ? 0x80 : 0x61, length - 1));
          const end = place(payloads.map((payload) => ({ opcode: TEXT, payload })));
          assert.equal(unmaskFrames(chunk, 0, end, 1000)!.isAscii, odd < 0, `${length}, ${odd}`);
        }
      }
    });

    const short: FrameSpec = { opcode: TEXT, payload: "short" };
    for (const [says, frame] of [
      ["a ping", { opcode: PING, payload: "ping" }],
      ["a fragment", { opcode: TEXT, fin: false, payload: "part" }],
      ["a continuation", { opcode: 0, payload: "part" }],
      ["a compressed message", { opcode: TEXT, rsv: 4, payload: "zip" }],
      ["a reserved bit", { opcode: TEXT, rsv: 1, payload: "odd" }],
      ["a reserved opcode", { opcode: 3, payload: "odd" }],
      ["a message past the limit", { opcode: BINARY, payload: Buffer.alloc(1001) }],
      ["a message of 64 KiB", { opcode: BINARY, payload: Buffer.alloc(65_536) }],
    ] satisfies Array<[string, FrameSpec]>) {
      it(`stops before ${says}`, () => {
        const first = place([short, short]);
        const end = place([short, short, frame, short]);
        assert.equal(unmaskFrames(chunk, 0, end, 1000)!.end, first);
        assert.equal(unmaskFrames(chunk, first, end, 1000), null);
      });
    }

    it("stops before a frame without a mask, and one whose length could have been shorter", () => {
      for (const header of [
        "8105 68656c6c6f",
        "81fe0005 37fa213d 7f9f4d5158",
        "81fe007d 37fa213d",
        "81ff0000000000000005 37fa213d",
      ]) {
        const first = place([short]);
        const end = first + hex(header).copy(chunk, first) + 200;
        assert.equal(unmaskFrames(chunk, 0, end, 1000)!.end, first, header);
      }
    });

    it("stops before a frame of which a byte is missing", () => {
      for (const payload of ["", "short", "x".repeat(200)]) {
        const first = place([short]);
        const end = place([short, { opcode: TEXT, payload }]);
        for (let cut = first; cut < end; cut++) assert.equal(unmaskFrames(chunk, 0, cut, 1000)!.end, first, `${cut}`);
        assert.equal(unmaskFrames(chunk, 0, end, 1000)!.end, end);
      }
    });

    it("stops where there is no more room, and takes a limit that is past 32 bits", () => {
      const frames = Array.from({ length: 40 }, () => ({ opcode: BINARY, payload: payloadOf(1020) }));
      const end = place(frames);
      // 32 of 1,024 bytes each fill the results to the last byte; of what lies elsewhere 16 KiB are looked at.
      const count = isInput ? 32 : 15;
      const unmasked = unmaskFrames(chunk, 0, end, Infinity)!;
      assert.equal(unmasked.end, count * 1028);
      assert.equal(unmasked.frames.length, count * 1024);
      assert.ok(
        Buffer.concat(frames.slice(0, count).map((frame) => encodeFrame({ ...frame, mask: false }))).equals(
          unmasked.frames,
        ),
      );
      const more = unmaskFrames(chunk, unmasked.end, end, 2 ** 40)!;
      assert.equal(more.end, isInput ? end : 2 * unmasked.end);
    });

    it("reads to the last byte of the buffer", () => {
      const frame = encodeFrame({ ...short, mask: KEYS[0]! });
      const start = chunk.length - frame.length;
      frame.copy(chunk, start);
      assert.equal(Buffer.from(unmaskFrames(chunk, start, chunk.length, 100)!.frames).toString("latin1", 2), "short");
    });
  });
}

it("what lies elsewhere may come while the buffer that sockets read into is in use", () => {
  const chunk = readBuffer().fill(0xff);
  const frame = (text: string): Buffer => encodeFrame({ opcode: TEXT, payload: text, mask: KEYS[0]! });
  const own = Buffer.concat([frame("one"), frame("two")]).copy(chunk);
  const other = Buffer.concat([frame("three"), frame("four")]);
  assert.equal(unmaskFrames(chunk, 0, own / 2, 100)!.end, own / 2);
  assert.equal(unmaskFrames(other, 0, other.length, 100)!.end, other.length);
  assert.equal(Buffer.from(unmaskFrames(chunk, own / 2, own, 100)!.frames).toString("latin1"), "\x81\x03two");
});

it("loadSimd is null where there is no WebAssembly, and parsing does without", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--jitless",
    "--no-warnings",
    "--input-type=module",
    "--eval",
    `import { loadSimd } from ${JSON.stringify(import.meta.resolve("#hawser/protocol/simd.js"))};
     import { mask, readBuffer, unmaskFrames } from ${JSON.stringify(import.meta.resolve("#hawser/protocol/mask.js"))};
     const bytes = Buffer.alloc(5000, 1);
     mask(bytes, 0, 5000, 0x04030201, 0);
     console.log(loadSimd(), bytes.subarray(4996).toString("hex"), unmaskFrames(readBuffer(), 0, 100, 100));`,
  ]);
  assert.equal(stdout.trim(), "null 00030205 null");
});
