/** A whole server on lean sockets: what an application sees of them, crowds at the front door, and clients without manners. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, it, mock, type TestContext } from "node:test";
import { createServer, Refuse, type ServerOptions } from "#hawser/index.js";
import type { LeanSocket } from "#hawser/server/internals/lean-socket.js";
import { LeanSockets } from "#hawser/server/internals/lean-sockets.js";
import { inParallel, until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { type HttpResponse, upgradeRequest } from "../harness/http.js";
import { Random } from "../harness/random.js";
import { RawClient } from "../harness/raw-client.js";
import { gate, LogBook, type Rig, startRig, turns } from "../harness/rig.js";
import { reset } from "../harness/reset.js";

const isBun = process.versions["bun"] !== undefined;
const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
const SEED = 20_261_125;

/** A server, and the lean sockets that it has and has had. */
async function startLean<Data = undefined>(
  test: TestContext,
  options: ServerOptions<Data> = {},
): Promise<{ rig: Rig<Data>; lean: LeanSockets; sockets: LeanSocket[] }> {
  const lean = LeanSockets.detect()!;
  const sockets: LeanSocket[] = [];
  const listen = lean.listen.bind(lean);
  mock.method(lean, "listen", (...[http, onSocket]: Parameters<typeof listen>) =>
    listen(http, (socket) => {
      sockets.push(socket);
      onSocket(socket);
    }),
  );
  const find = mock.method(LeanSockets, "detect", () => lean);
  const rig = await startRig<Data>(test, { portableSockets: false, ...options });
  find.mock.restore();
  return { rig, lean, sockets };
}

describe("raw.socket of a lean socket's request", { skip: isBun }, () => {
  it("is made when it is asked for, and not for the headers", async (test) => {
    const { rig, sockets } = await startLean(test);
    await rig.connect();
    const [request, socket] = [rig.requests[0]!, sockets[0]!];
    assert.equal(request.headers["upgrade"], "websocket");
    assert.equal(request.raw.url, "/");
    assert.equal(socket.onClose, null, "nobody has to be told of the connection's end");
    assert.ok(request.raw.socket instanceof Socket);
    assert.notEqual(socket.onClose, null);
  });

  it("knows both ends and counts what is read", async (test) => {
    const { rig } = await startLean(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect();
    const { socket } = rig.requests[0]!.raw;
    assert.equal(socket, rig.requests[0]!.raw.socket);
    assert.ok(socket instanceof Socket);
    assert.deepEqual(
      [socket.remoteAddress, socket.remotePort, socket.remoteFamily],
      ["127.0.0.1", peer.socket.localPort, "IPv4"],
    );
    assert.deepEqual([socket.localAddress, socket.localPort, socket.localFamily], ["127.0.0.1", rig.port, "IPv4"]);
    const { bytesRead, bytesWritten } = socket;
    await peer.echo("hello");
    assert.deepEqual([socket.bytesRead - bytesRead, socket.bytesWritten - bytesWritten], [11, 7]);
  });

  it("is closed when the client has gone, also when it is asked for after that", async (test) => {
    const { rig } = await startLean(test);
    const { peer } = await rig.connect();
    const { socket } = rig.requests[0]!.raw;
    const closed = once(socket, "close");
    peer.reset();
    await closed;
    assert.equal(socket.destroyed, true);

    const other = await rig.connect();
    await other.peer.close();
    await until(() => rig.server.clients.size === 0, "the other's end");
    const late = rig.requests[1]!.raw.socket;
    assert.equal(late.destroyed, true);
    await once(late, "close");
    assert.equal(late.remoteAddress, "127.0.0.1");
  });

  it("ends the connection when it is destroyed or ended", async (test) => {
    const { rig, lean } = await startLean(test);
    const ways: ((socket: Socket) => unknown)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.destroy(new Error("meant for the connection")),
      (socket) => reset(socket),
      (socket) => socket.end(),
      (socket) => socket.destroySoon(),
    ];
    for (const [i, way] of ways.entries()) {
      const { peer } = await rig.connect();
      const { socket } = rig.requests[i]!.raw;
      // Not `once`: an error before it is part of some ways.
      const closed = new Promise((resolve) => socket.on("close", resolve));
      way(socket);
      assert.notEqual((await peer.ended()).how, "open");
      await closed;
    }
    await until(() => lean.open === 0 && rig.closed.length === ways.length, "the end of all");
  });

  it("can be written to without harm", async (test) => {
    const { rig } = await startLean(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect();
    const { socket } = rig.requests[0]!.raw;
    socket.cork();
    socket.write("no");
    socket.write("frames");
    socket.uncork();
    await new Promise((written) => socket.write("at all", written));
    await peer.echo("still here");
    assert.equal(socket.destroyed, false);
  });
});

describe("a server with lean sockets", { skip: isBun }, () => {
  it("listens on IPv6 as well", { skip: hasIPv6 ? false : "cannot be installed here: IPv6" }, async (test) => {
    let address = "";
    let remote: string | undefined;
    const server = createServer({
      logger: new LogBook(),
      open(client, { raw }) {
        address = client.address;
        remote = raw.socket.remoteFamily;
      },
      message: (client, message) => void client.send(message),
    });
    test.after(() => server.close({ graceMs: 0 }));
    const { url } = await server.listen(0, "::1");
    const peer = await RawClient.open(url);
    await peer.echo("hello");
    assert.deepEqual([address, remote], ["::1", "IPv6"]);
    await peer.close();
  });
});

describe("a server without lean sockets", { skip: isBun }, () => {
  it("serves through node:http where Node keeps its bindings to itself", async (test) => {
    const process_ = process as unknown as { binding(name: string): unknown };
    test.mock.method(process_, "binding", () => {
      throw new Error("denied");
    });
    const rig = await startRig(test, {
      portableSockets: false,
      message: (client, message) => void client.send(message),
    });
    const { peer } = await rig.connect();
    await peer.echo("hello");
    assert.equal(Object.getPrototypeOf(rig.requests[0]!.raw.socket), Socket.prototype);
  });
});

describe("the front door in a crowd", { skip: isBun }, () => {
  it("counts silent connections, clients and those of node:http towards one limit", async (test) => {
    // 1,024 may be open besides the clients.
    const options = { maxClients: 1, maxPendingHandshakes: 1, maxClientsPerAddress: 1 };
    // However long it takes to open so many, nobody is to be cut for it.
    const patience = { headersTimeoutMs: 300_000, requestTimeoutMs: 300_000 };
    const { rig, lean, sockets } = await startLean(test, { ...options, ...patience });
    await rig.connect();
    const talking = await rig.dial();
    await talking.sendBytes("GET / HTTP/1.1\r\n");
    await until(() => lean.open === 1, "the half of a head to be node:http's");
    const others: RawClient[] = [];
    await inParallel(Array(1024).keys(), 50, async () => void others.push(await rig.dial()));
    // Those that have been silent for a second are node:http's by now.
    await until(() => sockets.length === 2 + 1024, "all that may be there");
    const tooMany = await rig.dial();
    assert.notEqual((await tooMany.ended()).how, "open");
    assert.equal(others.filter(({ socket }) => socket.readyState !== "open").length, 0);
    others[0]!.reset();
    let answer: HttpResponse | undefined;
    // Until the reset has been seen, nobody else is let in.
    while (answer === undefined) answer = await (await rig.dial()).handshake().catch(() => undefined);
    assert.equal(answer.status, 503, "a place at the door, though none among the clients");
  });

  it("keeps nothing of connections that come and go at once", async (test) => {
    const { rig, lean } = await startLean(test, {
      maxClientsPerAddress: 10_000,
      authenticate: async (request) => {
        if (request.path === "/slow") await turns(5);
        return undefined;
      },
    });
    const random = new Random(SEED);
    const { port, hostname } = new URL(rig.url);
    const head = upgradeRequest(rig.url);
    const slow = upgradeRequest(`${rig.url}slow`);
    await inParallel(Array.from({ length: 2000 }), 100, async () => {
      const said = random.pick([
        "",
        "G",
        "GET /",
        head.slice(0, -1),
        head,
        slow,
        `${head}\x81`,
        "GET / HTTP/1.1\r\n\r\n",
      ]);
      const leave = random.pick(["end", "destroy", "reset"] as const);
      const waits = random.below(4);
      const socket = connect({ port: Number(port), host: hostname });
      socket.on("error", () => {}).resume();
      await once(socket, "connect").catch(() => {});
      if (said !== "") socket.write(said);
      await turns(waits);
      const closed = once(socket, "close");
      if (leave === "end") socket.end();
      else if (leave === "destroy") socket.destroy();
      else reset(socket);
      await closed;
    });
    const { server } = rig;
    await until(() => lean.open === 0 && server.clients.size === 0 && server.pendingHandshakes === 0, "all to be gone");
    const { stats } = server;
    await until(() => rig.closed.length === rig.opened.length, "each to be said goodbye to");
    assert.equal(stats.opened, rig.opened.length);
    assert.ok(stats.opened > 100 && stats.aborted > 0, `${stats.opened} opened, ${stats.aborted} aborted`);
    assert.equal(server.backlogBytes, 0);
    await (await rig.connect()).peer.close();
  });
});

describe("node:http behind the front door", { skip: isBun }, () => {
  const options: ServerOptions = {
    request: (request, response) => void response.end(`you asked for ${request.url}`),
    message: (client, message) => void client.send(message),
  };

  it("answers requests on one connection, in whatever pieces they come, and a handshake behind them", async (test) => {
    const { rig, lean } = await startLean(test, options);
    const socket = connect({ port: rig.port, host: "127.0.0.1" });
    test.after(() => socket.destroy());
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    await once(socket, "connect");
    for (const [i, size] of [
      [1, 1000],
      [2, 1],
      [3, 7],
    ] as const) {
      const head = `GET /${i} HTTP/1.1\r\nHost: x\r\n\r\n`;
      for (let at = 0; at < head.length; at += size) {
        socket.write(head.slice(at, at + size));
        await turns(1);
      }
      await until(() => text.includes(`you asked for /${i}`), `the answer to ${i}`);
    }
    assert.equal(lean.open, 0);
    socket.write(upgradeRequest(rig.url));
    socket.write(encodeFrame(frame.text("after all that")));
    await until(() => text.endsWith("after all that"), "the echo");
  });

  it("answers requests that come all at once, and the handshake at their end", async (test) => {
    const { rig } = await startLean(test, options);
    const peer = await rig.dial();
    let text = "";
    peer.socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    await peer.sendBytes(
      `GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n${upgradeRequest(rig.url)}`,
    );
    await until(() => text.includes("HTTP/1.1 101"), "the upgrade");
    assert.deepEqual(text.match(/you asked for \/\d/g), ["you asked for /1", "you asked for /2"]);
  });
});

describe("a client that waits for authenticate on a lean socket", { skip: isBun }, () => {
  /** Every handshake waits for the gate of its turn. */
  async function startWaiting(test: TestContext): Promise<{
    rig: Rig<undefined>;
    lean: LeanSockets;
    knock: () => Promise<{ peer: RawClient; decide: ReturnType<typeof gate<undefined>> }>;
  }> {
    const gates: ReturnType<typeof gate<undefined>>[] = [];
    const { rig, lean } = await startLean(test, {
      maxMessageBytes: 32 * 2 ** 20,
      maxBacklogBytes: 32 * 2 ** 20,
      authenticate() {
        gates.push(gate<undefined>());
        return gates.at(-1)!.promise;
      },
      message: (client, message) => void client.send(message),
    });
    const knock = async (): Promise<{ peer: RawClient; decide: ReturnType<typeof gate<undefined>> }> => {
      const before = gates.length;
      const peer = await rig.dial({ keepHalfOpen: true });
      await peer.sendBytes(upgradeRequest(rig.url));
      await until(() => gates.length > before, "authenticate to be called");
      return { peer, decide: gates[before]! };
    };
    return { rig, lean, knock };
  }

  for (const bytes of [5, 16 * 2 ** 20]) {
    it(`may have sent ${bytes} bytes by then, and is heard when it is let in`, async (test) => {
      const { knock } = await startWaiting(test);
      const { peer, decide } = await knock();
      const payload = Buffer.alloc(bytes, new Random(SEED).bytes(1021));
      void peer.sendFrame(frame.binary(payload));
      await turns(20);
      decide.open(undefined);
      assert.equal((await peer.nextResponse())!.status, 101);
      assert.ok((await peer.nextMessage()).bytes.equals(payload));
    });

    it(`may have sent ${bytes} bytes by then, and gets its refusal whole`, async (test) => {
      const { lean, knock } = await startWaiting(test);
      const { peer, decide } = await knock();
      void peer.sendBytes(Buffer.alloc(bytes));
      await turns(20);
      const message = "no ".repeat(10_000);
      decide.fail(new Refuse(403, message));
      const response = (await peer.nextResponse())!;
      assert.deepEqual([response.status, response.body], [403, `${message}\n`]);
      assert.equal((await peer.ended()).how, "fin");
      peer.destroy();
      await until(() => lean.open === 0, "its end");
    });
  }

  it("may go away meanwhile", async (test) => {
    const { rig, lean, knock } = await startWaiting(test);
    for (const [i, leave] of (["end", "reset", "destroy"] as const).entries()) {
      const { peer } = await knock();
      if (i === 0) await peer.sendBytes("early");
      peer[leave]();
      await until(() => rig.server.pendingHandshakes === 0 && lean.open === 0, leave);
      assert.equal(rig.server.stats.aborted, i + 1);
    }
    assert.equal(rig.opened.length, 0);
  });
});

describe("a shutdown of lean sockets", { skip: isBun }, () => {
  it("waits for those who are still told why they were refused", async (test) => {
    const rig = await startRig(test, { path: "/here" });
    const refused = await rig.dial({ keepHalfOpen: true });
    await refused.sendBytes(upgradeRequest(`ws://127.0.0.1:${rig.port}/elsewhere`));
    assert.equal((await refused.nextResponse())!.status, 404);
    let isOver = false;
    const closing = rig.server.close({ graceMs: 60_000 }).then(() => (isOver = true));
    for (let step = 0; step < 10; step++) {
      rig.clock.advance(20);
      await turns(10);
    }
    assert.equal(isOver, false);
    refused.socket.end();
    await refused.ended();
    await until(() => {
      rig.clock.advance(20);
      return isOver;
    }, "the end of the shutdown");
    await closing;
  });

  it("ends those who say nothing, who have said half, who wait, who are refused, and who are in", async (test) => {
    const { rig, lean } = await startLean(test, {
      authenticate(request, { signal }) {
        if (request.path === "/refused") throw new Refuse(403, "no");
        if (request.path === "/") return undefined;
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("over"))));
      },
    });
    const [silent, half, waiting] = [await rig.dial(), await rig.dial(), await rig.dial()];
    const refused = await rig.dial({ keepHalfOpen: true });
    const { peer } = await rig.connect();
    await half.sendBytes("GET / HT");
    await waiting.sendBytes(upgradeRequest(`${rig.url}waiting`));
    await refused.sendBytes(upgradeRequest(`${rig.url}refused`));
    await until(() => rig.server.pendingHandshakes === 1 && lean.open === 4, "everybody's state");
    const stopped = rig.stop({ graceMs: 60_000 });
    await peer.expectClose(1001);
    assert.deepEqual([(await waiting.nextResponse())!.status, (await refused.nextResponse())!.status], [503, 403]);
    for (const other of [silent, half, waiting, refused]) assert.notEqual((await other.ended()).how, "open");
    const report = await stopped;
    assert.equal(report.clients, 1);
    refused.destroy();
    await until(() => lean.open === 0, "all to be gone");
  });
});

describe("clients without manners", { skip: isBun }, () => {
  for (const portableSockets of [false, true]) {
    it(`harm nobody but themselves (${portableSockets ? "portable" : "lean"} sockets, seed ${SEED})`, async (test) => {
      const rig = await startRig(test, {
        portableSockets,
        maxClientsPerAddress: 1000,
        maxMessageBytes: 2 ** 20,
        message: (client, message) =>
          message.byteLength % 5 === 0 ? turns(1).then(() => void client.send(message)) : void client.send(message),
      });
      const random = new Random(SEED);
      await inParallel(Array.from({ length: 150 }), 20, () => misbehave(rig, random));
      await until(() => rig.server.clients.size === 0, "everybody's end");
      await until(() => rig.closed.length === rig.opened.length, "each to be said goodbye to");
      assert.equal(new Set(rig.closed.map(({ client }) => client.id)).size, rig.opened.length);
      assert.deepEqual([rig.server.backlogBytes, rig.server.pendingHandlers], [0, 0]);
      assert.deepEqual(rig.log.of("handler-error"), []);
    });
  }
});

/** Sends messages in pieces, reads or does not, and leaves in some way. What comes back is what was sent, as far as it comes. */
async function misbehave(rig: Rig<undefined>, random: Random): Promise<void> {
  const peer = await rig.dial();
  const sent: Buffer[] = [];
  const [most, sizes] = random.chance(30) ? [100, [0, 120, 1000]] : [6, [10, 3000, 60_000, 300_000]];
  const messages = Array.from({ length: random.below(most) }, () => {
    const payload = Buffer.alloc(random.pick(sizes) + random.below(10), random.bytes(61));
    sent.push(payload);
    return encodeFrame(frame.binary(payload));
  });
  const leave = random.pick(["end", "reset", "destroy", "close", "half a frame", "no frame"] as const);
  const reads = random.chance(70);
  const isEarly = random.chance(30);
  const whole = Buffer.concat([Buffer.from(isEarly ? upgradeRequest(rig.url) : ""), ...messages]);
  if (!isEarly) assert.equal((await peer.handshake()).status, 101);
  if (!reads) peer.socket.pause();
  if (random.chance(50)) void peer.sendBytes(whole);
  else await peer.sendChopped(whole, 1 + random.below(50_000));
  if (random.chance(50)) await turns(random.below(10));
  if (leave === "close") void peer.sendFrame(frame.close(1000));
  else if (leave === "half a frame") void peer.sendBytes(encodeFrame(frame.text("never whole")).subarray(0, 8));
  else if (leave === "no frame") void peer.sendBytes(Buffer.alloc(100, 0xff));
  if (leave === "reset" || leave === "destroy") {
    peer[leave]();
    return;
  }
  peer.end();
  peer.socket.resume();
  if (isEarly) await peer.nextResponse();
  assert.equal((await peer.ended()).how, "fin");
  const back = peer.unreadEvents().flatMap((event) => (event.type === "binary" ? [event.bytes] : []));
  assert.deepEqual(peer.violations, []);
  assert.equal(back.length, sent.length, `all echoes before the end (${leave})`);
  assert.ok(back.every((bytes, i) => bytes.equals(sent[i]!)));
  peer.destroy();
}
