/** Sockets that are a handle of Node's and a few fields: each of them alone, on a listener of node:net. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server as NetServer, Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { SocketOwner } from "#hawser/server/sockets/client-socket.js";
import type { LeanSocket } from "#hawser/server/internals/lean-socket.js";
import { LeanSockets } from "#hawser/server/internals/lean-sockets.js";
import { until } from "../harness/concurrency.js";
import { Random } from "../harness/random.js";
import { turns } from "../harness/rig.js";
import { reset } from "../harness/reset.js";

const isBun = process.versions["bun"] !== undefined;

/** More than the kernel takes for a peer that does not read. */
const LOT = 64 * 2 ** 20;
const PIECE = 64 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Keeps what it is told, in order, and does what the test wants to be done then. */
class Witness implements SocketOwner {
  readonly told: string[] = [];
  readonly chunks: Buffer[] = [];
  /** What the bytes were delivered in. */
  readonly buffers: Buffer[] = [];
  readonly does: Partial<Record<"data" | "drain" | "end", () => void>>;

  constructor(does: Witness["does"] = {}) {
    this.does = does;
  }

  onData(bytes: Buffer, length: number): void {
    if (this.told.at(-1) !== "data") this.told.push("data");
    this.chunks.push(Buffer.from(bytes.subarray(0, length)));
    this.buffers.push(bytes);
    this.does.data?.();
  }

  onDrain(): void {
    this.told.push("drain");
    this.does.drain?.();
  }

  onEnd(): void {
    this.told.push("end");
    this.does.end?.();
  }

  onClosed(): void {
    this.told.push("closed");
  }

  get read(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.read.toString("latin1");
  }
}

interface Pair {
  lean: LeanSockets;
  listener: NetServer;
  ours: LeanSocket;
  theirs: Socket;
  witness: Witness;
}

/** Both ends of one connection. Ours has not been read from. */
async function pair(test: TestContext, does: Witness["does"] = {}): Promise<Pair> {
  const lean = LeanSockets.detect()!;
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const arrived = new Promise<LeanSocket>((resolve) => assert.equal(lean.listen(listener, resolve), true));
  const theirs = connect({ port: portOf(listener), host: "127.0.0.1", allowHalfOpen: true });
  theirs.on("error", () => {});
  const [ours] = await Promise.all([arrived, once(theirs, "connect")]);
  test.after(() => {
    ours.destroy();
    theirs.destroy();
    listener.close();
  });
  const witness = new Witness(does);
  ours.owner = witness;
  return { lean, listener, ours, theirs, witness };
}

async function settledPair(test: TestContext, does: Witness["does"] = {}): Promise<Pair> {
  const both = await pair(test, does);
  both.ours.settle();
  both.ours.resume();
  return both;
}

function portOf(listener: NetServer): number {
  return (listener.address() as { port: number }).port;
}

/** All that comes, until the other side ends or the connection is gone. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  await Promise.race([once(socket, "end"), once(socket, "close")]);
  return Buffer.concat(chunks);
}

/** Writes until the socket asks to be given no more. @returns what was written */
function fill(socket: LeanSocket, random: Random): Buffer {
  const written: Buffer[] = [];
  for (let bytes = 0; bytes < LOT; bytes += PIECE) {
    const piece = Buffer.alloc(PIECE, random.bytes(1021));
    written.push(Buffer.from(piece));
    if (!socket.write(piece)) return Buffer.concat(written);
  }
  throw new Error("the kernel took it all");
}

/** What has closed says so once, and nothing after it. */
async function expectClosed(witness: Witness, told: string[]): Promise<void> {
  await until(() => witness.told.includes("closed"), "the end of our side");
  await turns(20);
  assert.deepEqual(witness.told, told);
}

describe("LeanSockets", { skip: isBun }, () => {
  it("finds what it needs in this Node", () => {
    assert.notEqual(LeanSockets.detect(), null);
  });

  it("does without where Node keeps its bindings to itself", (test) => {
    mockBinding(test, () => {
      throw new Error("denied");
    });
    assert.equal(LeanSockets.detect(), null);
  });

  it("does without where anything is missing of what it uses", (test) => {
    const { stream, methods } = bindings();
    const { TCPConnectWrap, constants } = (process as unknown as Bindings).binding("tcp_wrap") as Record<
      string,
      unknown
    >;
    const binding = {
      stream_wrap: { ...stream },
      tcp_wrap: { TCP: { prototype: { ...methods } }, TCPConnectWrap, constants },
    };
    mockBinding(test, (name) => binding[name as keyof typeof binding]);
    assert.notEqual(LeanSockets.detect(), null, "with all of it");
    for (const name of Object.keys(stream)) {
      binding.stream_wrap = { ...stream, [name]: undefined };
      assert.equal(LeanSockets.detect(), null, name);
    }
    binding.stream_wrap = stream;
    for (const name of Object.keys(methods)) {
      const { [name]: _, ...others } = methods;
      binding.tcp_wrap.TCP.prototype = others;
      assert.equal(LeanSockets.detect(), null, name);
    }
  });

  it("does without where a deprecation is to end the process", (test) => {
    test.after(() => (process.throwDeprecation = false));
    process.throwDeprecation = true;
    assert.equal(LeanSockets.detect(), null);
  });

  it("leaves alone a server that does not listen", () => {
    assert.equal(
      LeanSockets.detect()!.listen(createServer(), () => {}),
      false,
    );
  });

  it("counts the sockets that are there", async (test) => {
    const { lean, ours, witness } = await pair(test);
    assert.equal(lean.open, 1);
    ours.destroy();
    assert.equal(lean.open, 1, "it is still being closed");
    await expectClosed(witness, ["closed"]);
    assert.equal(lean.open, 0);
  });
});

describe("a lean socket that reads", { skip: isBun }, () => {
  it("delivers into memory of its own until it is settled, and into the buffer of all afterwards", async (test) => {
    const { lean, ours, theirs, witness } = await pair(test);
    ours.resume();
    theirs.write("one");
    await until(() => witness.text === "one", "the first");
    ours.settle();
    theirs.write("two");
    await until(() => witness.text === "onetwo", "the second");
    assert.notEqual(witness.buffers[0], lean.buffer);
    assert.equal(witness.buffers[0]!.toString(), "one");
    assert.equal(witness.buffers[1], lean.buffer);
  });

  it("can be settled while the first chunk is being read", async (test) => {
    const random = new Random(1);
    const sent = random.bytes(300_000);
    const both = await pair(test, {
      data: () => {
        if (both.witness.buffers.length === 1) both.ours.settle();
      },
    });
    both.theirs.write(sent);
    both.ours.resume();
    await until(() => both.witness.read.length === sent.length, "all of it");
    assert.ok(both.witness.read.equals(sent));
    assert.ok(both.witness.buffers.slice(1).every((buffer) => buffer === both.lean.buffer));
  });

  it("stops while it is paused, and goes on", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    theirs.write("a");
    await until(() => witness.text === "a", "the first");
    ours.pause();
    ours.pause();
    theirs.write("b");
    await turns(20);
    assert.equal(witness.text, "a");
    ours.resume();
    ours.resume();
    await until(() => witness.text === "ab", "the second");
  });

  it("delivers everything, in order, when it is paused and resumed while it is read", async (test) => {
    const random = new Random(2);
    const sent = random.bytes(2 ** 20);
    const both = await settledPair(test, {
      data() {
        both.ours.pause();
        if (random.chance(50)) both.ours.resume();
        else setImmediate(() => both.ours.resume());
      },
    });
    both.theirs.end(sent);
    await until(() => both.witness.told.includes("end"), "the peer's end");
    assert.ok(both.witness.read.equals(sent));
    assert.deepEqual(both.witness.told, ["data", "end"]);
  });

  it("delivers nothing more when it is paused in the midst of much", async (test) => {
    const both = await settledPair(test, { data: () => both.ours.pause() });
    both.theirs.write(Buffer.alloc(2 ** 20));
    await until(() => both.witness.chunks.length > 0, "the first");
    await turns(20);
    assert.equal(both.witness.chunks.length, 1);
  });

  it("takes no harm from pause and resume after the peer's end, or its own", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    theirs.end("last words");
    await until(() => witness.told.includes("end"), "the peer's end");
    const touch = (): void => {
      ours.resume();
      ours.pause();
      ours.resume();
    };
    touch();
    await turns();
    ours.destroy();
    touch();
    await expectClosed(witness, ["data", "end", "closed"]);
    touch();
    assert.equal(witness.text, "last words");
  });

  it("says where both ends are and how many bytes have passed, until it is closed", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    theirs.write("12345");
    await until(() => witness.text === "12345", "five bytes");
    ours.write(Buffer.from("123"));
    assert.deepEqual(ours.remote, { address: "127.0.0.1", port: theirs.localPort, family: "IPv4" });
    assert.deepEqual(ours.local, { address: "127.0.0.1", port: theirs.remotePort, family: "IPv4" });
    assert.deepEqual([ours.bytesRead, ours.bytesWritten, ours.destroyed], [5, 3, false]);
    ours.destroy();
    assert.deepEqual([ours.remote, ours.local], [{}, {}]);
    assert.deepEqual([ours.bytesRead, ours.bytesWritten, ours.destroyed], [0, 0, true]);
  });
});

describe("a lean socket that writes", { skip: isBun }, () => {
  it("has nothing waiting when the kernel takes it whole", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    for (const text of ["one", "", "two"]) {
      assert.equal(ours.write(Buffer.from(text)), true);
      assert.equal(ours.writableLength, 0);
    }
    ours.end();
    assert.equal((await readAll(theirs)).toString(), "onetwo");
    assert.deepEqual(witness.told, []);
  });

  it("answers false when the peer does not read, and says once when all is with the kernel", async (test) => {
    const { ours, theirs, witness } = await settledPair(test, {
      drain: () => assert.equal(ours.writableLength, 0),
    });
    const random = new Random(3);
    const sent: Buffer[] = [];
    const received: Buffer[] = [];
    theirs.on("data", (chunk: Buffer) => received.push(chunk)).pause();
    for (let round = 1; round <= 2; round++) {
      sent.push(fill(ours, random));
      // More, although it was asked to be given none.
      for (let i = 0; i < 8; i++) {
        const more = Buffer.alloc(2 ** 20, random.bytes(1021));
        sent.push(more);
        const before = ours.writableLength;
        assert.equal(ours.write(more), false);
        assert.equal(ours.writableLength, before + more.length);
      }
      assert.equal(witness.told.length, round - 1);
      theirs.resume();
      await until(() => ours.writableLength === 0, "the kernel to take it");
      await until(() => Buffer.concat(received).equals(Buffer.concat(sent)), "the same bytes, in order");
      assert.deepEqual(witness.told, Array<string>(round).fill("drain"));
      theirs.pause();
    }
  });

  it("takes a little more without complaint while a little waits", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    let received = 0;
    theirs.on("data", (chunk: Buffer) => (received += chunk.length)).pause();
    let written = 0;
    const piece = Buffer.alloc(1000, "x");
    const write = (): boolean => {
      written += piece.length;
      return ours.write(piece);
    };
    const isRead = (): boolean => received === written && ours.writableLength === 0;
    while (ours.writableLength === 0) assert.equal(write(), true);
    while (write()) assert.ok(ours.writableLength < 16 * 1024);
    assert.ok(ours.writableLength >= 16 * 1024);
    theirs.resume();
    await until(isRead, "what waited");
    assert.deepEqual(witness.told, ["drain"]);

    theirs.pause();
    while (ours.writableLength === 0) assert.equal(write(), true);
    theirs.resume();
    await until(isRead, "the little that waited");
    assert.deepEqual(witness.told, ["drain"], "nobody had been asked to wait");
  });

  it("keeps what waits, whatever becomes of its caller's other memory", async (test) => {
    const { ours, theirs } = await settledPair(test);
    const random = new Random(4);
    theirs.pause();
    const sent = fill(ours, random);
    const junk: Buffer[] = [];
    for (let round = 0; round < 3; round++) {
      collectGarbage();
      for (let i = 0; i < 50; i++) junk.push(Buffer.alloc(PIECE, 0xff));
    }
    ours.end();
    assert.ok((await readAll(theirs)).equals(sent));
    assert.equal(junk.length, 150);
  });

  it("writes for one socket while the writes of others wait", async (test) => {
    const slow = await settledPair(test);
    slow.theirs.pause();
    const sent = fill(slow.ours, new Random(5));
    const quick = await settledPair(test);
    quick.ours.write(Buffer.from("quick"));
    quick.ours.end();
    assert.equal((await readAll(quick.theirs)).toString(), "quick");
    slow.ours.end();
    assert.ok((await readAll(slow.theirs)).equals(sent));
  });

  it("can be written to while it says that it takes more", async (test) => {
    const both = await settledPair(test, {
      drain() {
        both.ours.write(Buffer.from("the end"));
        both.ours.end();
      },
    });
    both.theirs.pause();
    const sent = fill(both.ours, new Random(6));
    const received = await readAll(both.theirs);
    assert.ok(received.equals(Buffer.concat([sent, Buffer.from("the end")])));
  });
});

describe("a lean socket that ends", { skip: isBun }, () => {
  it("sends what waits, and ends its side after it, also when it is told so twice", async (test) => {
    for (const times of [1, 2]) {
      const { ours, theirs, witness } = await settledPair(test);
      theirs.pause();
      const sent = fill(ours, new Random(7));
      for (let i = 0; i < times; i++) ours.end();
      assert.ok((await readAll(theirs)).equals(sent));
      ours.end();
      theirs.end();
      await expectClosed(witness, ["drain", "end", "closed"]);
      assert.equal(ours.error, null);
    }
  });

  it("still reads, and closes when the peer has ended as well", async (test) => {
    const { lean, ours, theirs, witness } = await settledPair(test);
    ours.end();
    assert.equal((await readAll(theirs)).length, 0);
    theirs.write("still here");
    await until(() => witness.text === "still here", "what the peer says");
    theirs.end();
    await expectClosed(witness, ["data", "end", "closed"]);
    assert.deepEqual([ours.destroyed, lean.open], [true, 0]);
  });

  it("hears the last words that come together with the peer's end", async (test) => {
    for (const isSettled of [true, false]) {
      const { ours, theirs, witness } = await pair(test);
      if (isSettled) ours.settle();
      ours.resume();
      ours.end();
      await readAll(theirs);
      theirs.end("last words");
      await expectClosed(witness, ["data", "end", "closed"]);
      assert.equal(witness.text, "last words");
    }
  });

  it("still writes when the peer has ended, and closes when it has ended itself", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    theirs.end("over");
    await until(() => witness.told.includes("end"), "the peer's end");
    theirs.pause();
    const sent = fill(ours, new Random(8));
    ours.end();
    assert.ok((await readAll(theirs)).equals(sent));
    await expectClosed(witness, ["data", "end", "drain", "closed"]);
  });

  it("can end when it hears that the peer has", async (test) => {
    const both = await settledPair(test, { end: () => both.ours.end() });
    both.theirs.end();
    await expectClosed(both.witness, ["end", "closed"]);
  });
});

describe("a lean socket that connects", { skip: isBun }, () => {
  it("sends what was written before it was connected, and reads", async (test) => {
    const { listener } = await pair(test);
    const witness = new Witness();
    const lean = LeanSockets.detect()!;
    const socket = lean.connect("127.0.0.1", portOf(listener), witness);
    socket.write(Buffer.from("early"));
    await until(() => socket.bytesWritten === 5 && socket.writableLength === 0, "the first words to leave");
    assert.equal(socket.remote.port, portOf(listener));
    socket.reset();
    await expectClosed(witness, ["closed"]);
    assert.equal(lean.open, 0);
  });

  it("says why it could not", async (test) => {
    const { listener } = await pair(test);
    const port = portOf(listener);
    listener.close();
    const witness = new Witness();
    const socket = LeanSockets.detect()!.connect("127.0.0.1", port, witness);
    await expectClosed(witness, ["closed"]);
    assert.equal(socket.error, "ECONNREFUSED");
  });

  it("ends with a reset when it is told to", async (test) => {
    const listener = createServer();
    test.after(() => listener.close());
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const accepted = once(listener, "connection") as Promise<[Socket]>;
    const witness = new Witness();
    const socket = LeanSockets.detect()!.connect("127.0.0.1", portOf(listener), witness);
    const [theirs] = await accepted;
    theirs.write("hello");
    await until(() => witness.text === "hello", "the greeting");
    const failed = once(theirs, "error") as Promise<[NodeJS.ErrnoException]>;
    socket.reset();
    theirs.resume();
    assert.equal((await failed)[0].code, "ECONNRESET");
    await expectClosed(witness, ["data", "closed"]);
  });
});

describe("a lean socket that is destroyed", { skip: isBun }, () => {
  it("says so once and nothing after it, whatever waits", async (test) => {
    const { lean, ours, theirs, witness } = await settledPair(test);
    const order: string[] = [];
    ours.onClose = () => order.push(`before the owner, ${witness.told.length}`);
    theirs.pause();
    fill(ours, new Random(9));
    ours.end();
    theirs.write("unheard");
    ours.destroy();
    ours.destroy();
    assert.equal(ours.writableLength, 0);
    assert.deepEqual(witness.told, [], "not while it is called");
    await expectClosed(witness, ["closed"]);
    assert.deepEqual(order, ["before the owner, 0"]);
    assert.deepEqual([lean.open, ours.error], [0, null]);
  });

  it("takes no harm from what is done to it afterwards", async (test) => {
    const { ours, witness } = await settledPair(test);
    ours.destroy();
    const touch = (): void => {
      assert.equal(ours.write(Buffer.from("x")), true);
      ours.end();
      ours.settle();
      ours.giveBack();
      ours.destroy();
    };
    touch();
    await expectClosed(witness, ["closed"]);
    touch();
  });

  it("may be so by whatever it tells", async (test) => {
    const inData = await settledPair(test, { data: () => inData.ours.destroy() });
    inData.theirs.write(Buffer.alloc(2 ** 20));
    await expectClosed(inData.witness, ["data", "closed"]);
    assert.equal(inData.witness.chunks.length, 1);

    const inDrain = await settledPair(test, { drain: () => inDrain.ours.destroy() });
    inDrain.theirs.pause();
    fill(inDrain.ours, new Random(10));
    inDrain.theirs.resume();
    await expectClosed(inDrain.witness, ["drain", "closed"]);

    const inEnd = await settledPair(test, { end: () => inEnd.ours.destroy() });
    inEnd.ours.end();
    inEnd.theirs.end();
    await expectClosed(inEnd.witness, ["end", "closed"]);
  });

  it("is so by the peer's reset, and knows why", async (test) => {
    const { ours, theirs, witness } = await settledPair(test);
    reset(theirs);
    await expectClosed(witness, ["closed"]);
    assert.equal(ours.error, "ECONNRESET");
  });

  it("is so by the peer's reset while writes wait", async (test) => {
    const { lean, ours, theirs, witness } = await settledPair(test);
    theirs.pause();
    fill(ours, new Random(11));
    ours.end();
    reset(theirs);
    await expectClosed(witness, ["closed"]);
    assert.match(ours.error!, /^(ECONNRESET|EPIPE)$/);
    assert.equal(lean.open, 0);
  });

  it("is so when it writes to a peer that has reset, or ends", async (test) => {
    const tries: ((ours: LeanSocket) => void)[] = [
      (ours) => void ours.write(Buffer.from("hello?")),
      (ours) => ours.end(),
    ];
    for (const attempt of tries) {
      const { ours, theirs, witness } = await pair(test);
      ours.settle();
      reset(theirs);
      await once(theirs, "close");
      await turns();
      attempt(ours);
      await expectClosed(witness, ["closed"]);
      assert.match(ours.error!, /^(ECONNRESET|EPIPE|ENOTCONN)$/);
    }
  });
});

describe("a lean socket that is given back", { skip: isBun }, () => {
  it("becomes a socket of Node's as if it had just come", async (test) => {
    const { lean, listener, ours, theirs, witness } = await pair(test);
    const arrival = once(listener, "connection");
    ours.giveBack();
    ours.giveBack();
    const [socket] = (await arrival) as [Socket];
    assert.ok(socket instanceof Socket);
    assert.deepEqual([ours.destroyed, lean.open, await connectionsOf(listener)], [true, 0, 1]);
    socket.pipe(socket);
    theirs.end("hello");
    assert.equal((await readAll(theirs)).toString(), "hello");
    while ((await connectionsOf(listener)) > 0) await turns();
    assert.deepEqual(witness.told, []);
  });

  it("may be so while its first chunk is read: what follows comes to the other", async (test) => {
    const random = new Random(12);
    const rest = random.bytes(500_000);
    const both = await pair(test, { data: () => both.ours.giveBack() });
    const arrival = once(both.listener, "connection");
    both.theirs.write("first");
    both.ours.resume();
    const [socket] = (await arrival) as [Socket];
    assert.equal(both.witness.text, "first");
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    both.theirs.end(rest);
    await until(() => Buffer.concat(received).length === rest.length, "the rest");
    assert.ok(Buffer.concat(received).equals(rest));
    assert.deepEqual(both.witness.told, ["data"]);
  });
});

function connectionsOf(listener: NetServer): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

interface Bindings {
  binding(name: string): unknown;
}

function mockBinding(test: TestContext, binding: (name: string) => unknown): void {
  test.mock.method(process as unknown as Bindings, "binding", binding);
}

/** What is used of Node, by name. */
function bindings(): { stream: Record<string, unknown>; methods: Record<string, unknown> } {
  const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kArrayBufferOffset, kLastWriteWasAsync } = (
    process as unknown as Bindings
  ).binding("stream_wrap") as Record<string, unknown>;
  const names =
    "onread connect reset readStart readStop useUserBuffer writeBuffer shutdown writeQueueSize bytesRead bytesWritten setNoDelay getpeername getsockname close";
  return {
    stream: { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kArrayBufferOffset, kLastWriteWasAsync },
    methods: Object.fromEntries(names.split(" ").map((name) => [name, () => {}])),
  };
}
