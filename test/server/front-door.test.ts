/** The front door takes what node:http would take, to the same end, and leaves all else to it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it, mock, type TestContext } from "node:test";
import type { UpgradeRequest } from "#hawser/index.js";
import { FrontDoor } from "#hawser/server/internals/front-door.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { sleep, until } from "../harness/concurrency.js";
import { Random } from "../harness/random.js";
import { MAX_HEADER_BYTES, mutant, ODD, PLAIN } from "./harness/handshake-samples.js";
import { type Rig, startRig, turns } from "../harness/rig.js";
import { reset } from "../harness/reset.js";

const SEED = 20_261_124;
const MUTANTS = 1200;

describe("through the front door and through node:http", () => {
  it("plain handshakes end the same, and do come through the door", async (test) => {
    const pair = await startPair(test);
    for (const request of PLAIN) await pair.compare(request);
    assert.equal(pair.door.taken, PLAIN.length);
    assert.equal(pair.http.taken, 0);
  });

  for (const [what, request] of ODD) {
    it(`${what}: is left to node:http`, async (test) => {
      const pair = await startPair(test);
      await pair.compare(request);
      assert.equal(pair.door.taken, 0);
    });
  }

  it("random mutants of handshakes end the same", async (test) => {
    const pair = await startPair(test);
    const random = new Random(SEED);
    for (let i = 0; i < MUTANTS; i++) await pair.compare(mutant(random), `mutant ${i} of seed ${SEED}`);
    const { taken } = pair.door;
    assert.ok(taken > MUTANTS / 10 && taken < MUTANTS, `${taken} of ${MUTANTS} came through the door`);
  });

  it("a handshake in two parts ends the same, wherever it is cut", async (test) => {
    const rig = await startRig(test);
    const bytes = upgradeRequest(rig.url);
    for (let at = 1; at < bytes.length; at++) {
      const peer = await rig.dial();
      await peer.sendBytes(bytes.slice(0, at));
      await turns();
      void peer.sendBytes(bytes.slice(at));
      assert.equal((await peer.nextResponse())!.status, 101, `cut at ${at}`);
    }
  });

  it("what comes with a handshake is read as frames", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const peer = await rig.dial();
    await peer.sendBytes(Buffer.concat([Buffer.from(upgradeRequest(rig.url)), encodeFrame(frame.text("at once"))]));
    assert.equal((await peer.nextResponse())!.status, 101);
    assert.equal((await peer.nextMessage()).bytes.toString(), "at once");
  });
});

describe("a connection that says nothing", () => {
  it("is cut with 408, and noted as it is without the door", async (test) => {
    const { door, http } = await startPair(test, { headersTimeoutMs: 200 });
    for (const { rig } of [door, http]) {
      const peer = await rig.dial();
      assert.equal((await peer.nextResponse())!.status, 408);
      await peer.ended();
    }
    assert.deepEqual(door.rig.log.of("http-error"), http.rig.log.of("http-error"));
    assert.equal(door.rig.log.of("http-error")[0]!.level, "debug");
  });

  it("is closed when it ends, without a line", async (test) => {
    // A moment later node:http would have it, and close it as well.
    test.mock.timers.enable({ apis: ["setInterval"] });
    const rig = await startRig(test);
    const peer = await rig.dial({ keepHalfOpen: true });
    peer.socket.end();
    assert.equal((await peer.ended()).how, "fin");
    assert.deepEqual(rig.log.of("http-error"), []);
  });

  it("is noted when it is reset, and nobody else is harmed", async (test) => {
    const { door, http } = await startPair(test);
    for (const { rig } of [door, http]) {
      const peer = await rig.dial();
      await turns();
      reset(peer.socket);
      await until(() => rig.server.stats.httpErrors === 1, "the reset to be noted");
      await (await rig.connect({ at: "chat" })).peer.close();
    }
    assert.deepEqual(door.rig.log.of("http-error"), http.rig.log.of("http-error"));
  });

  it("is ended by a shutdown at once", async (test) => {
    const rig = await startRig(test);
    const peer = await rig.dial();
    await turns();
    const { durationMs } = await rig.stop({ graceMs: 60_000 });
    assert.ok(durationMs < 60_000, "nobody had to be cut");
    assert.notEqual((await peer.ended()).how, "open");
  });

  it("that speaks after a while is heard", async (test) => {
    const rig = await startRig(test);
    const peer = await rig.dial();
    // By then node:http has it: after one or two rounds of a second.
    await sleep(2200);
    assert.equal((await peer.handshake()).status, 101);
  });
});

/** A server with its front door, and one where node:http takes all. */
async function startPair(
  test: TestContext,
  options: { headersTimeoutMs?: number } = {},
): Promise<{ door: Way; http: Way; compare(request: string | Buffer, what?: string): Promise<void> }> {
  const settings = { ...options, maxHeaderBytes: MAX_HEADER_BYTES, subprotocols: ["chat"], path: "/chat" };
  const open = FrontDoor.open.bind(FrontDoor);
  const ways: Way[] = [];
  for (const hasDoor of [true, false]) {
    const way = { taken: 0 } as Way;
    const opening = mock.method(FrontDoor, "open", (...[http, door]: Parameters<typeof open>) => {
      if (!hasDoor) return null;
      const onHandshake: typeof door.onHandshake = (request, socket, early) => {
        way.taken++;
        door.onHandshake(request, socket, early);
      };
      return open(http, { ...door, onHandshake });
    });
    way.rig = await startRig(test, settings);
    opening.mock.restore();
    ways.push(way);
  }
  const [door, http] = ways as [Way, Way];
  return {
    door,
    http,
    async compare(request, what = "") {
      const bytes = typeof request === "string" ? Buffer.from(request, "latin1") : request;
      const outcomes = await Promise.all([outcomeOf(door.rig, bytes), outcomeOf(http.rig, bytes)]);
      assert.deepEqual(outcomes[0], outcomes[1], `${what} ${JSON.stringify(bytes.toString("latin1"))}`);
    },
  };
}

interface Way {
  rig: Rig<undefined>;
  /** How many handshakes came through the door. */
  taken: number;
}

/** All that can be seen of what became of these bytes, followed by the end of the peer's side. */
async function outcomeOf(rig: Rig<undefined>, bytes: Buffer): Promise<object> {
  const [lines, requests] = [rig.log.lines.length, rig.requests.length];
  const socket = connect({ port: rig.port, host: "127.0.0.1", allowHalfOpen: true });
  const response = await exchange(socket, bytes);
  await until(() => rig.server.clients.size === 0, "the client's end");
  // Lines are thinned out by the second.
  rig.clock.advance(2000);
  return {
    response: response.replace(/\r\n(Date|Retry-After): [^\r]*/gi, ""),
    log: rig.log.lines.slice(lines).map(({ id: _id, durationMs: _durationMs, ...line }) => line),
    requests: rig.requests.slice(requests).map(requestOf),
  };
}

async function exchange(socket: Socket, bytes: Buffer): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.end(bytes);
  const closed = once(socket, "close");
  await once(socket, "end").catch(() => {});
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

function requestOf({ path, query, address, subprotocols, headers, raw }: UpgradeRequest): object {
  const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders, trailers, complete } = raw;
  const asked = { path, query: query.toString(), address, subprotocols, headers: { ...headers } };
  const parsed = { method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders, trailers, complete };
  const { headersDistinct, socket } = raw;
  return {
    asked,
    parsed,
    headersDistinct: { ...headersDistinct },
    isOneMessage: raw.headers === headers,
    peer: socket.remoteAddress,
  };
}
