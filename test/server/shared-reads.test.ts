/** The reads that go below Node's public API, and the same server without them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { SharedReads } from "#hawser/server/internals/shared-reads.js";
import { until } from "../harness/concurrency.js";
import { PORTABLE } from "../harness/rig.js";

const isBun = process.versions["bun"] !== undefined;

/** Both ends of one connection. The server's end has not been read from. */
async function pair(test: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const theirs = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [ours] = (await once(server, "connection")) as [Socket];
  test.after(() => {
    ours.destroy();
    theirs.destroy();
    server.close();
  });
  return { ours, theirs };
}

function collect(reads: SharedReads, socket: Socket): { text: () => string; buffers: Set<Buffer> } {
  let text = "";
  const buffers = new Set<Buffer>();
  const taken = reads.redirect(socket, (length, bytes) => {
    buffers.add(bytes);
    text += bytes.toString("latin1", 0, length);
    return true;
  });
  assert.equal(taken, true);
  return { text: () => text, buffers };
}

describe("SharedReads", { skip: isBun }, () => {
  it("finds what it needs in this Node", () => {
    assert.notEqual(SharedReads.detect(), null);
  });

  it("reads all sockets into one buffer", async (test) => {
    const reads = SharedReads.detect()!;
    const buffers = new Set<Buffer>();
    for (const word of ["one", "two"]) {
      const { ours, theirs } = await pair(test);
      const seen = collect(reads, ours);
      ours.resume();
      theirs.write(word);
      await until(() => seen.text() === word, word);
      for (const buffer of seen.buffers) buffers.add(buffer);
    }
    assert.equal(buffers.size, 1);
  });

  it("delivers what was read before it by data events, and first", async (test) => {
    const { ours, theirs } = await pair(test);
    theirs.write("before ");
    ours.once("readable", () => {});
    await until(() => ours.readableLength > 0, "bytes that wait");
    let text = "";
    ours.on("data", (chunk: Buffer) => (text += chunk.toString()));
    SharedReads.detect()!.redirect(ours, (length, bytes) => {
      text += bytes.toString("latin1", 0, length);
      return true;
    });
    ours.resume();
    theirs.write("after");
    await until(() => text === "before after", "both");
  });

  it("stops while the socket is paused, and goes on", async (test) => {
    const { ours, theirs } = await pair(test);
    const seen = collect(SharedReads.detect()!, ours);
    ours.resume();
    theirs.write("a");
    await until(() => seen.text() === "a", "the first");
    ours.pause();
    theirs.write("b");
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
    assert.equal(seen.text(), "a");
    ours.resume();
    await until(() => seen.text() === "ab", "the second");
  });

  it("says when the peer has ended, and when it is gone", async (test) => {
    const { ours, theirs } = await pair(test);
    collect(SharedReads.detect()!, ours);
    ours.resume();
    const ended = once(ours, "end");
    const closed = once(ours, "close");
    theirs.end("last words");
    await ended;
    ours.end();
    await closed;
  });

  it("leaves alone what is no plain socket, and what is gone", async (test) => {
    const reads = SharedReads.detect()!;
    assert.equal(
      reads.redirect(new Duplex(), () => true),
      false,
    );
    // A class of its own may read in its own way, as that of TLS does.
    class Other extends Socket {}
    const { ours, theirs } = await pair(test);
    const other = Object.setPrototypeOf(theirs, Other.prototype) as Socket;
    assert.equal(
      reads.redirect(other, () => true),
      false,
    );
    ours.destroy();
    await once(ours, "close");
    assert.equal(
      reads.redirect(ours, () => true),
      false,
    );
  });
});

describe("on Node's public API alone", { concurrency: 2 }, () => {
  for (const file of ["handlers", "sending", "reentrancy", "flood", "publish", "shutdown", "timeouts", "upgrade"]) {
    it(`${file}: the same tests pass`, async () => {
      const child = spawn(process.execPath, ["--test", join(import.meta.dirname, `${file}.test.js`)], {
        env: { ...process.env, [PORTABLE]: "1", NODE_TEST_CONTEXT: undefined },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
      const [code] = (await once(child, "close")) as [number | null];
      assert.equal(code, 0, output);
      assert.match(output, /pass [1-9]/);
    });
  }
});
