/** What a refused client still sends is read and thrown away, and only for a while. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeRefused } from "#hawser/server/handshake/response.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { FakeSocket } from "./harness/fake-socket.js";
import { gate, plainHttpServer, startRig, turns } from "../harness/rig.js";

const LINGER_MS = 2000;

describe("a refused client", () => {
  for (const way of ["listen", "attach"] as const) {
    it(`that sends handshakes and frames behind its own gets one answer, whole (${way})`, async (test) => {
      const http = way === "attach" ? { attach: plainHttpServer() } : {};
      const rig = await startRig(test, { path: "/here" }, http);
      const peer = await rig.dial({ keepHalfOpen: true });
      const [elsewhere, here] = ["there", "here"].map((path) => Buffer.from(upgradeRequest(rig.url + path)));
      await peer.sendBytes(elsewhere!);
      assert.equal((await peer.nextResponse())!.status, 404);
      for (let i = 0; i < 20; i++) {
        await peer.sendBytes(Buffer.concat([here!, encodeFrame(frame.binary(Buffer.alloc(64 * 1024)))]));
        await turns();
      }
      peer.end();
      assert.equal((await peer.ended()).how, "fin");
      const { refused, aborted } = rig.server.stats;
      assert.deepEqual([refused, aborted, rig.opened.length, peer.frames().length], [{ path: 1 }, 0, 0, 0]);
    });

    it(`that sent more than is kept while it waited gets its answer, and is read on (${way})`, async (test) => {
      const { promise, open } = gate<false>();
      const http = way === "attach" ? { attach: plainHttpServer() } : {};
      const rig = await startRig<string>(test, { authenticate: () => promise }, http);
      const peer = await rig.dial();
      await peer.sendBytes(upgradeRequest(rig.url));
      // More than the buffers of two kernels.
      const isSent = peer.sendBytes(Buffer.alloc(16 * 1024 * 1024));
      await turns(50);
      // However long it takes.
      test.mock.timers.enable({ apis: ["setTimeout"] });
      open(false);
      assert.equal((await peer.nextResponse())!.status, 401);
      assert.equal((await peer.ended()).how, "fin");
      assert.ok(await isSent, "what it sends is read");
    });
  }

  it("that does not go is cut", (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const socket = new FakeSocket();
    writeRefused(socket, 404, {}, "no");
    assert.deepEqual([socket.writableEnded, socket.destroyed], [true, false]);
    test.mock.timers.tick(LINGER_MS - 1);
    assert.equal(socket.destroyed, false);
    test.mock.timers.tick(1);
    assert.equal(socket.destroyed, true);
  });

  it("that is gone gets nothing", () => {
    const socket = new FakeSocket();
    socket.destroy();
    writeRefused(socket, 404, {}, "no");
    assert.equal(socket.writes.length, 0);
  });
});
