/** An HTTP server that is somebody else's goes on without the WebSockets that were attached to it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createServer } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { gate, LogBook, plainHttpServer, startRig, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

describe("detach", () => {
  it("leaves clients connected, and new handshakes to the application", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, { message: (client, message) => void client.send(message) }, { attach: http });
    const { peer } = await rig.connect();
    assert.equal(rig.server.detach(http), true);
    assert.equal(rig.server.isReady, false);
    assert.equal(http.listenerCount("upgrade"), 0);
    // Nobody listens for upgrades: to Node it is a request like any other.
    assert.equal((await (await rig.dial()).handshake()).status, 200);
    await peer.echo("still here");
    assert.equal(rig.server.clients.size, 1);
  });

  it("leaves new handshakes to the other listeners", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, {}, { attach: http });
    http.on("upgrade", (_request, socket) => void socket.end("HTTP/1.1 299 Theirs\r\nContent-Length: 0\r\n\r\n"));
    assert.equal((await (await rig.dial()).handshake()).status, 101);
    rig.server.detach(http);
    assert.equal((await (await rig.dial()).handshake()).status, 299);
  });

  it("leaves new handshakes to another server that is attached", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, {}, { attach: http });
    const other = createServer({ clock: new StepClock(), logger: new LogBook() });
    other.attach(http);
    test.after(() => other.close({ graceMs: 0 }));
    rig.server.detach(http);
    assert.equal((await (await rig.dial()).handshake()).status, 101);
    assert.deepEqual([rig.server.clients.size, other.clients.size], [0, 1]);
  });

  it("lets a handshake that waits for authenticate be decided", async (test) => {
    const http = plainHttpServer();
    const decided = gate();
    const rig = await startRig(test, { authenticate: () => decided.promise.then(() => ({})) }, { attach: http });
    const response = (await rig.dial()).handshake();
    await until(() => rig.server.pendingHandshakes === 1, "the handshake");
    rig.server.detach(http);
    decided.open();
    assert.equal((await response).status, 101);
    assert.equal(rig.server.clients.size, 1);
  });

  it("answers at once what was left to others there and nobody has taken, and nothing elsewhere", async (test) => {
    const [here, there] = [plainHttpServer(), plainHttpServer()];
    let left = 0;
    for (const http of [here, there]) http.on("upgrade", () => left++);
    const rig = await startRig(test, { path: "/ws" }, { attach: here });
    rig.server.attach(there);
    const response = (await rig.dial()).handshake({ path: "/hmr" });
    await until(() => left === 1, "it to be left");
    rig.server.detach(there);
    await turns(5);
    assert.deepEqual({ ...rig.server.stats.refused }, {});
    rig.server.detach(here);
    assert.equal((await response).status, 404);
  });

  it("of what is not attached does nothing, and says so; it may be attached again", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, {}, { attach: http });
    assert.deepEqual(
      [rig.server.detach(plainHttpServer()), rig.server.detach(http), rig.server.detach(http)],
      [false, true, false],
    );
    rig.server.attach(http);
    assert.ok(rig.server.isReady);
    await rig.connect();
    await rig.stop();
    assert.equal(rig.server.detach(http), false);
  });
});
