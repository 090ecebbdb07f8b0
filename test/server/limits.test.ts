/** Limits on clients and messages, each with its status or code. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../harness/concurrency.js";
import { BINARY, encodeFrame, frame } from "../harness/frames.js";
import type { HttpResponse } from "../harness/http.js";
import { startRig } from "../harness/rig.js";

function assertRetry(response: HttpResponse, status: number): void {
  assert.equal(response.status, status);
  const [after] = response.headers.get("retry-after") ?? [];
  assert.match(after ?? "none", /^[1-9]\d?$/, "Retry-After");
}

describe("limits on clients", () => {
  it("maxClients: 503, and a place is free again when one has left", async (test) => {
    const rig = await startRig(test, { maxClients: 2 });
    const { peer } = await rig.connect();
    await rig.connect();
    for (let i = 0; i < 3; i++) assertRetry(await (await rig.dial()).handshake(), 503);
    assert.equal(rig.server.stats.refused["client-limit"], 3);
    peer.reset();
    await rig.nextClosed();
    await rig.connect();
    assertRetry(await (await rig.dial()).handshake(), 503);
  });

  it("maxClientsPerAddress: 429", async (test) => {
    const rig = await startRig(test, { maxClientsPerAddress: 2 });
    const { peer } = await rig.connect();
    await rig.connect();
    assertRetry(await (await rig.dial()).handshake(), 429);
    await peer.close();
    await rig.nextClosed();
    await rig.connect();
    assertRetry(await (await rig.dial()).handshake(), 429);
    assert.equal(rig.server.stats.refused["address-limit"], 2);
  });

  it("maxHandshakesPerSecond: 503, and so many more each second", async (test) => {
    const rig = await startRig(test, { maxHandshakesPerSecond: 3 });
    for (let i = 0; i < 3; i++) await rig.connect();
    assertRetry(await (await rig.dial()).handshake(), 503);
    assert.equal(rig.server.stats.refused["handshake-rate"], 1);
    rig.clock.advance(400);
    await rig.connect();
    assertRetry(await (await rig.dial()).handshake(), 503);
  });

  it("a broken handshake takes no place", async (test) => {
    const rig = await startRig(test, { maxClients: 1 });
    for (let i = 0; i < 5; i++)
      assert.equal((await (await rig.dial()).handshake({ headers: { "Sec-WebSocket-Version": "12" } })).status, 426);
    await rig.connect();
  });
});

describe("maxMessageBytes", () => {
  it("is 512 KiB: that much is taken", async (test) => {
    let length = 0;
    const rig = await startRig(test, { message: (_client, message) => void (length = message.byteLength) });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.binary(Buffer.alloc(512 * 1024)));
    await until(() => length === 512 * 1024, "the message");
  });

  it("refuses a longer one by what its header declares, before its payload comes: 1009", async (test) => {
    const rig = await startRig(test);
    const { peer } = await rig.connect();
    await peer.sendBytes(encodeFrame({ opcode: BINARY, declaredLength: 512 * 1024 + 1, lengthForm: 64 }));
    await peer.expectClose(1009);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code, end.initiator], ["too-big", 1009, "server"]);
  });

  it("counts fragments together", async (test) => {
    const rig = await startRig(test, { maxMessageBytes: 1_000 });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.binary(Buffer.alloc(600), { fin: false }));
    await peer.sendBytes(encodeFrame({ opcode: 0, declaredLength: 401, lengthForm: 16 }));
    await peer.expectClose(1009);
  });

  it("counts after decompression, and holds inside it", async (test) => {
    const rig = await startRig(test, { compression: true, maxMessageBytes: 100_000 });
    const { peer } = await rig.connect({ offer: "permessage-deflate" });
    const bomb = peer.compression!.deflate(Buffer.alloc(50_000_000));
    assert.ok(bomb.length < 100_000);
    await peer.sendFrame(frame.binary(bomb, { rsv: 4 }));
    await peer.expectClose(1009);
    assert.equal((await rig.nextClosed()).cause, "too-big");
  });
});
