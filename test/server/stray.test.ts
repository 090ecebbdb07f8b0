/** An upgrade that was left to other listeners: refused when nobody has taken it, whatever a listener does to take it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { Stray } from "#hawser/server/handshake/stray.js";

const DUE_AT = 1_000;

/** A connection as Node hands it to a listener of upgrades, and what is told of it. */
async function strayOn(
  test: TestContext,
  before: (socket: Socket) => void = () => {},
): Promise<{ socket: Socket; stray: Stray; told: string[] }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect(server.address() as { port: number });
  const [socket] = (await once(server, "connection")) as [Socket];
  test.after(() => {
    peer.destroy();
    socket.destroy();
    server.close();
  });
  // As Node's HTTP server leaves it.
  Object.assign(socket, { readableFlowing: null });
  before(socket);
  const told: string[] = [];
  const stray = new Stray(socket, DUE_AT, { refuse: () => told.push("refuse"), onEnd: () => told.push("end") });
  return { socket, stray, told };
}

describe("an upgrade that was left to others", () => {
  it("is refused when it is due, not before, and nobody has touched it", async (test) => {
    const { socket, stray, told } = await strayOn(test);
    assert.equal(stray.checkDeadlines(DUE_AT - 1), DUE_AT);
    assert.deepEqual(told, []);
    assert.equal(stray.checkDeadlines(DUE_AT), Infinity);
    assert.deepEqual(told, ["end", "refuse"]);
    assert.equal(socket.timeout, 0);
    assert.equal(socket.listenerCount("close"), 0);
  });

  const ways: Record<string, (socket: Socket) => void> = {
    "ended it": (socket) => void socket.end(),
    "destroyed it": (socket) => void socket.destroy(),
    "reads it": (socket) => void socket.resume(),
    "will read it": (socket) => void socket.pause(),
    "has written to it": (socket) => void socket.write("x"),
    "has set its timeout": (socket) => void socket.setTimeout(60_000),
    "has switched its timeout off": (socket) => void socket.setTimeout(0),
  };
  for (const [way, take] of Object.entries(ways)) {
    it(`is theirs when one of them ${way}`, async (test) => {
      const { socket, stray, told } = await strayOn(test);
      take(socket);
      stray.end();
      assert.deepEqual(told, ["end"]);
      // Of one that is destroyed nobody can set it any more.
      if (!socket.destroyed) assert.equal(socket.timeout, way === "has set its timeout" ? 60_000 : 0);
    });
  }

  it("is not taken for what was done before it was theirs", async (test) => {
    const { stray, told } = await strayOn(test, (socket) => {
      socket.write("x");
      socket.setTimeout(5_000);
    });
    stray.end();
    assert.deepEqual(told, ["end", "refuse"]);
  });

  it("is over when its connection is, once", async (test) => {
    const { socket, told } = await strayOn(test);
    socket.destroy();
    await once(socket, "close");
    assert.deepEqual(told, ["end"]);
  });
});
