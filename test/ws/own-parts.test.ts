/** What `ws` exports of its own parts and hawser/ws has as well, against `ws` itself. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as hawser from "#hawser/ws/index.js";
import * as ws from "ws";
import { until } from "../harness/concurrency.js";
import { closed, libraries, startPair } from "./pair.js";

interface Parts {
  readonly extension: typeof hawser.extension;
  readonly subprotocol: typeof hawser.subprotocol;
  readonly Sender: typeof hawser.Sender;
}
const its = ws as unknown as Parts;

/** What a call returns, or how it fails. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return String(error);
  }
}

// oxfmt-ignore
const EXTENSIONS = [
  "foo", "foo;bar;baz=1;bar=2", "foo, bar; baz ,foo;baz", 'foo;bar="hi"', 'foo;bar="b\\a\\z";q', "foo\t;\tbar", "__proto__;__proto__=1",
  "hasOwnProperty, toString", "", ",", " foo", "foo ", "foo\t", "foo,", "foo,,", "foo,  ,", "foo;", "foo;=", "foo; =", "foo;;", "foo; ;",
  "f oo", "f@o", "f\\oo", '"foo"', 'f"oo"', "foo;ba r", "foo;b@r", 'foo;"bar"', "foo;bar =", "foo;bar= ", "foo;bar=", "foo;bar=,", "foo;bar=ba z",
  "foo;bar=b@z", 'foo;bar="b@z"', 'foo;bar="b z"', 'foo;bar="baz"qux', 'foo;bar="baz" qux', 'foo;bar="baz', 'foo;bar=""', 'foo;bar="b\\"', 'foo;bar="b\\',
  'foo;bar="\\@"', "foo;bar ", "foo;bar,", "foo;bar; ", "foo;bar=1 ", "föö", "foo\u0000",
];
// oxfmt-ignore
const SUBPROTOCOLS = [
  "foo", "foo,bar, baz ,\tqux", "", ",", " foo", "foo ", "foo,", "foo, ", "foo,,", "foo,  ,", "foo,foo,bar", "foo, foo", "f oo", "f@o", "foo,b@r", "föö",
];

describe("parts of ws", () => {
  it("extension.parse reads what ws reads, and says of the rest what ws says", () => {
    for (const header of EXTENSIONS) {
      assert.deepEqual(
        outcome(() => hawser.extension.parse(header)),
        outcome(() => its.extension.parse(header)),
        JSON.stringify(header),
      );
    }
    assert.equal(Object.getPrototypeOf(hawser.extension.parse("foo")), null);
  });

  it("extension.format writes what ws writes", () => {
    const lists: Parameters<typeof hawser.extension.format>[0][] = [
      {},
      { foo: {} },
      { foo: { bar: [true, 2], baz: "1" } },
      { foo: [{}, { baz: true }], bar: { baz: true } },
      { foo: [] },
    ];
    for (const list of lists) assert.equal(hawser.extension.format(list), its.extension.format(list));
  });

  it("subprotocol.parse reads what ws reads, and says of the rest what ws says", () => {
    for (const header of SUBPROTOCOLS) {
      assert.deepEqual(
        outcome(() => hawser.subprotocol.parse(header)),
        outcome(() => its.subprotocol.parse(header)),
        JSON.stringify(header),
      );
    }
  });

  it("Sender.frame makes the frames of ws", () => {
    const zero = { mask: true, generateMask: (mask: Buffer) => mask.fill(0) };
    const one = { mask: true, generateMask: (mask: Buffer) => mask.fill(1) };
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      for (const options of [{}, { rsv1: true }, { fin: true }, zero, one]) {
        for (const opcode of [0, 1, 2, 8, 9, 10]) {
          const payload = Buffer.alloc(length, "x");
          // What may be changed, `ws` masks where it is.
          const frame = (parts: Parts): Buffer =>
            Buffer.concat(
              parts.Sender.frame(Buffer.from(payload), { opcode, ...options }).map((part) => Buffer.from(part)),
            );
          assert.deepEqual(frame(hawser), frame(its));
        }
      }
    }
    const data = Buffer.from("kept");
    hawser.Sender.frame(data, { opcode: 2, fin: true, mask: true, readOnly: true });
    assert.equal(data.toString(), "kept");
    assert.deepEqual(hawser.Sender.frame("€", { opcode: 1, fin: true }), [Buffer.from([0x81, 3]), Buffer.from("€")]);
  });

  it("ws._sender.sendFrame sends them, as engine.io does", async (test) => {
    const lib = libraries["hawser/ws"];
    const pair = await startPair(test, lib, libraries.ws);
    const { client, socket } = await pair.connect();
    const { _sender: sender } = socket as unknown as hawser.WebSocket;
    const frame = hawser.Sender.frame("for all", { opcode: 1, fin: true });
    const received: string[] = [];
    client.on("message", (data) => received.push((data as Buffer).toString()));
    socket.send("before");
    sender!.sendFrame(frame);
    await new Promise<void>((done, fail) =>
      sender!.sendFrame([Buffer.from([0x81, 4]), "rest"], (error) => (error ? fail(error) : done())),
    );
    socket.send("behind");
    await until(() => received.length === 4, "all of them");
    assert.deepEqual(received, ["before", "for all", "rest", "behind"]);
    client.close();
    await closed(client, socket);
    const late = await new Promise((done) => sender!.sendFrame(frame, done));
    assert.match(String(late), /WebSocket is not open: readyState 3 \(CLOSED\)/);
    assert.equal(new hawser.WebSocket("ws://127.0.0.1:1").on("error", () => {})._sender, null);
  });
});
