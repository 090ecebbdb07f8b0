import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { SlidingWindow } from "#hawser/protocol/sliding-window.js";

describe("SlidingWindow", () => {
  it("has nothing at first, nor after nothing", () => {
    const window = new SlidingWindow(15);
    assert.equal(window.bytes, undefined);
    window.append(new Uint8Array(0));
    assert.equal(window.bytes, undefined);
  });

  it("holds the last bytes of all that was appended, up to its size", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 20 }), (pieces) => {
        const window = new SlidingWindow(8);
        let all = Buffer.alloc(0);
        for (const piece of pieces) {
          window.append(piece);
          all = Buffer.concat([all, piece]);
          assert.deepEqual(Buffer.from(window.bytes ?? []), Buffer.from(all.subarray(-256)));
        }
      }),
    );
  });

  it("copies: what was appended may be overwritten", () => {
    const window = new SlidingWindow(8);
    const data = Buffer.from("before");
    window.append(data);
    data.fill(0);
    assert.equal(Buffer.from(window.bytes ?? []).toString(), "before");
  });

  it("takes memory as it needs it, and no more than its size", () => {
    const window = new SlidingWindow(10);
    window.append(new Uint8Array(10));
    assert.ok((window.bytes?.buffer.byteLength ?? 0) <= 20);
    for (let i = 0; i < 100; i++) window.append(new Uint8Array(100));
    assert.equal(window.bytes?.buffer.byteLength, 1024);
  });
});
