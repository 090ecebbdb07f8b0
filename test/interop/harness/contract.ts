/**
 * What any WebSocket client must get from a real `hawser serve`, whoever wrote the client. Each client (peers/) runs this one
 * suite, through a wire tap that sees what the client's API does not show.
 */
import assert from "node:assert/strict";
import { type TestContext, after, before, describe, test } from "node:test";
import { type Frame, PING, PONG, CLOSE } from "../../harness/frames.js";
import { type ServerProcess, serve } from "../../harness/server.js";
import type { Peer, PeerConnection, PeerKind } from "../peers/peer.js";
import { type Tap, type TappedConnection, startTap } from "./tap.js";

/** The default of `maxMessageBytes`. */
const LIMIT = 512 * 1024;
/** As `Frame.rsv` has it: permessage-deflate's mark. */
const RSV1 = 4;

export function interop(kind: PeerKind): void {
  const { skip = false } = kind;
  describe(kind.name, { skip }, () => {
    let peer: Peer;
    before(async () => void (peer = await kind.start()));
    after(() => peer?.stop());
    const get = (): Peer => peer;

    describe("echo", () => echo(kind, get, { compression: false }));
    describe("echo, --compression", () => echo(kind, get, { compression: true }));
    describe("echo, compressed with context takeover and a small window", () => takeover(get));
    describe("rooms", () => rooms(get));
  });
}

function it(name: string, body: (t: TestContext) => unknown): void {
  void test(name, async (t) => void (await body(t)));
}

/** A connection with what the tap sees of it. */
interface Tapped {
  readonly connection: PeerConnection;
  readonly wire: TappedConnection;
}

function echo(kind: PeerKind, peer: () => Peer, { compression }: { compression: boolean }): void {
  let server: ServerProcess;
  let tap: Tap;
  let bystander: Tapped;

  before(async () => {
    // Pings so often that they come between and inside everything that the tests do.
    server = await serve(["--echo", "--ping-period-ms", "250", ...(compression ? ["--compression"] : [])]);
    tap = await startTap(server.port);
    bystander = await connect();
  });
  after(async () => {
    tap?.stop();
    await server?.stop();
  });

  async function connect(): Promise<Tapped> {
    const already = tap.connections.length;
    const connection = await peer().connect(`ws://127.0.0.1:${tap.port}/`);
    return { connection, wire: await tap.when(() => tap.connections[already]) };
  }

  async function echoes(data: string | Uint8Array, to?: Tapped): Promise<Tapped> {
    const client = to ?? (await connect());
    client.connection.send(data);
    const message = await client.connection.next();
    assert.equal(message.binary, typeof data !== "string");
    assert.ok(message.data.equals(Buffer.from(data as string)), "what came back is what was sent");
    if (to === undefined) client.connection.close(1000, "done");
    return client;
  }

  it("negotiates permessage-deflate just when the server has it and the client wants it", () => {
    const { connection, wire } = bystander;
    assert.match(wire.request, /^sec-websocket-extensions:.*permessage-deflate/im, "this client offers it");
    assert.equal(/^sec-websocket-extensions: *permessage-deflate/im.test(wire.response), compression);
    const { extensions = compression ? "permessage-deflate" : "" } = connection;
    assert.equal(extensions.includes("permessage-deflate"), compression);
  });

  it("text", () => echoes("hello"));
  it("an empty text", () => echoes(""));
  it("text beyond ASCII", () => echoes("Ahoj, šífy! Тросы. ホーサー ⚓ 👩‍🚀 \ud7ff\ue000\uffff\u{10ffff}"));
  if (kind.binary !== false) {
    it("text with control characters", () => echoes("\u0000\t\n\u007f\u0080"));
    it("bytes", () => echoes(Uint8Array.from({ length: 256 }, (_, i) => i)));
    it("no bytes", () => echoes(new Uint8Array(0)));
  }
  if (kind.large !== false) {
    it("exactly 512 KiB of text", () => echoes("Hawser! ".repeat(LIMIT / 8)));
    it("exactly 512 KiB of bytes that do not compress", () => echoes(noise(LIMIT)));
    it("a long text leaves compressed just when that was negotiated", async () => {
      const { wire } = await echoes("anchor ".repeat(10_000));
      const frames = wire.fromServer.filter(({ opcode }) => opcode < CLOSE);
      assert.equal(frames[0]?.rsv, compression ? RSV1 : 0);
      const bytes = frames.reduce((sum, { payload }) => sum + payload.length, 0);
      assert.ok(compression ? bytes < 7_000 : bytes === 70_000, `${bytes} bytes for 70,000`);
    });
  }
  it("many messages come back in order", async () => {
    const { connection } = await connect();
    const sent = Array.from({ length: 200 }, (_, i) => `message ${i} ${"x".repeat(i)}`);
    for (const text of sent) connection.send(text);
    const came: string[] = [];
    while (came.length < sent.length) came.push(String((await connection.next()).data));
    assert.deepEqual(came, sent);
    connection.close(1000, "done");
  });

  it("answers the client's ping with its payload", async (t) => {
    const { connection, wire } = bystander;
    if (connection.ping === undefined) return t.diagnostic(`${kind.name} cannot ping`);
    assert.equal(await connection.ping("are-you-there"), "are-you-there");
    assert.ok(wire.fromServer.some(({ opcode, payload }) => opcode === PONG && String(payload) === "are-you-there"));
  });

  it("the client answers the server's pings, and stays", async () => {
    const pongs = (): Frame[] => bystander.wire.fromClient.filter(({ opcode }) => opcode === PONG);
    const pong = await tap.when(() => pongs()[1]);
    const pings = bystander.wire.fromServer.filter(({ opcode }) => opcode === PING);
    assert.ok(
      pings.some(({ payload }) => payload.equals(pong.payload)),
      "the pong carries a ping's payload",
    );
    await echoes("still here", bystander);
  });

  it("the client's close: its code and reason reach the server, and the code comes back", async () => {
    const { connection, wire } = await connect();
    connection.close(4001, "enough");
    // RFC 6455 5.5.1 has the status code echoed; nothing is said of the reason.
    assert.equal((await connection.closed).code, 4001);
    const answer = await tap.when(() => wire.fromServer.find(({ opcode }) => opcode === CLOSE));
    assert.equal(answer.payload.readUInt16BE(), 4001);
    const line = await server.waitForEvent("disconnect", ({ code }) => code === 4001);
    assert.equal(line["reason"], "enough");
    assert.equal(line["initiator"], "client");
  });

  if (kind.large !== false) {
    it("one byte more than 512 KiB is refused with 1009", async () => {
      const { connection, wire } = await connect();
      connection.send("a".repeat(LIMIT + 1));
      assert.equal((await connection.closed).code, 1009);
      const answer = await tap.when(() => wire.fromClient.find(({ opcode }) => opcode === CLOSE));
      assert.equal(answer.payload.readUInt16BE(), 1009, "the client took part in the close handshake");
      const line = await server.waitForEvent("disconnect", ({ code }) => code === 1009);
      assert.equal(line["initiator"], "server");
    });
    it("so is one byte more that does not compress", async () => {
      const { connection } = await connect();
      connection.send(noise(LIMIT + 1));
      assert.equal((await connection.closed).code, 1009);
    });
  }

  it("a client that did none of this took no harm", () => echoes("still here too", bystander));

  it("SIGTERM: each client gets 1001 with a reason, and the server exits with 0", async () => {
    const clients = [bystander, await connect()];
    server.signal("SIGTERM");
    for (const { connection, wire } of clients) {
      const { code, reason } = await connection.closed;
      assert.equal(code, 1001);
      assert.notEqual(reason, "");
      const answer = await tap.when(() => wire.fromClient.find(({ opcode }) => opcode === CLOSE));
      assert.equal(answer.payload.readUInt16BE(), 1001);
    }
    assert.deepEqual(await server.exit, { code: 0, signal: null });
    assert.deepEqual(server.strayLines, []);
  });

  it("none of the server's frames broke a rule of RFC 6455", () => {
    for (const { violations } of tap.connections) assert.deepEqual(violations, []);
  });
}

function takeover(peer: () => Peer): void {
  let server: ServerProcess;
  const flags = [
    "--compression-context-takeover",
    "--compression-threshold-bytes",
    "0",
    "--compression-server-window-bits",
    "9",
  ];
  before(async () => void (server = await serve(["--echo", "--compression", ...flags])));
  after(() => server?.stop());

  it("message after message comes back whole", async () => {
    const connection = await peer().connect(`ws://127.0.0.1:${server.port}/`);
    // Each refers back to the ones before it, up to the window's end and past it.
    for (const length of [10, 10, 500, 513, 1000, 33_000, 33_000, 10]) {
      const text = Array.from({ length }, (_, i) => String.fromCharCode(97 + ((i * i) % 23))).join("");
      connection.send(text);
      assert.equal(String((await connection.next()).data), text);
    }
    connection.close(1000, "done");
    const line = await server.waitForEvent("disconnect");
    assert.equal(line["cause"], "normal");
  });
}

function rooms(peer: () => Peer): void {
  let server: ServerProcess;
  before(async () => void (server = await serve([])));
  after(() => server?.stop());

  const join = (room: string): Promise<PeerConnection> => peer().connect(`ws://127.0.0.1:${server.port}${room}`);

  it("what one sends the others in the room get, and neither the sender nor another room", async () => {
    const [anna, ben, outside, outsideToo] = [
      await join("/lobby"),
      await join("/lobby"),
      await join("/other"),
      await join("/other"),
    ];
    anna.send("from Anna");
    assert.equal(String((await ben.next()).data), "from Anna");
    // Each one's first message is the one sent to it later: had it got Anna's, that would have come first.
    ben.send("from Ben");
    assert.equal(String((await anna.next()).data), "from Ben");
    outside.send("from outside");
    assert.equal(String((await outsideToo.next()).data), "from outside");
    outsideToo.send("from outside too");
    assert.equal(String((await outside.next()).data), "from outside too");
  });
}

/** Bytes that no compressor can shorten, the same in every run. */
function noise(length: number): Uint8Array {
  let state = 0x2545f491;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}
