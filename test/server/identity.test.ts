/** Practice 1: every connection has an identity of its own; the address is an attribute. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RawClient } from "../harness/raw-client.js";
import { startRig } from "../harness/rig.js";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("client ids", () => {
  it("are fresh UUIDs, for clients of one address and for one that comes again", async (test) => {
    const rig = await startRig(test);
    const ids = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { peer, client } = await rig.connect();
      assert.match(client.id, UUID_V4);
      assert.equal(client.address, "127.0.0.1");
      ids.add(client.id);
      if (i % 2 === 0) await peer.close();
    }
    assert.equal(ids.size, 20);
    assert.equal(rig.server.clients.size, 10);
    for (const [id, client] of rig.server.clients) assert.equal(client.id, id);
  });

  it("come from generateId where it is given, which sees the request", async (test) => {
    const rig = await startRig(test, { generateId: (request) => request.query.get("as") ?? "nobody" });
    const { client } = await rig.connect({ at: "room?as=ann" });
    assert.equal(client.id, "ann");
    assert.equal(client.path, "/room");
    assert.equal(rig.server.clients.get("ann"), client);
  });

  it("are refused when another client has them, who keeps its place", async (test) => {
    const rig = await startRig(test, { generateId: () => "same", maxClients: 2 });
    const { peer, client } = await rig.connect();
    for (let i = 0; i < 3; i++) {
      const second = await rig.dial();
      assert.equal((await second.handshake()).status, 500);
    }
    assert.equal(rig.server.clients.get("same"), client);
    assert.equal(rig.log.of("handshake-error").length, 3);
    await peer.close();
    await rig.nextClosed();
    const { client: next } = await rig.connect();
    assert.equal(next.id, "same", "free again");
  });

  it("are refused with 500 when generateId throws, or gives what is no id", async (test) => {
    const bad: unknown[] = ["throw", 7, "", {}, Symbol("id")];
    let at = 0;
    const rig = await startRig(test, {
      maxClients: 1,
      generateId: () => {
        const id = bad[at++];
        if (id === "throw") throw new Error("no ids left");
        return (at > bad.length ? "good" : id) as string;
      },
    });
    for (const id of bad) {
      const peer = await rig.dial();
      assert.equal((await peer.handshake()).status, 500, String(id));
    }
    assert.equal(rig.log.of("handshake-error").length, bad.length);
    assert.equal((await rig.connect()).client.id, "good", "the places were given back");
  });
});

describe("client addresses", () => {
  const forwarded = { "X-Forwarded-For": "1.1.1.1, 198.51.100.7" };

  it("are the peer's, whatever a stranger writes into X-Forwarded-For", async (test) => {
    const rig = await startRig(test);
    const { client } = await rig.connect({ headers: forwarded });
    assert.equal(client.address, "127.0.0.1");
  });

  it("are those a trusted proxy speaks for", async (test) => {
    const rig = await startRig(test, { trustProxy: ["127.0.0.0/8"] });
    const { client } = await rig.connect({ headers: forwarded });
    assert.equal(client.address, "198.51.100.7");
    assert.equal(rig.log.of("connect")[0]!["address"], "198.51.100.7");
  });

  it("limit each on its own behind a proxy", async (test) => {
    const rig = await startRig(test, { trustProxy: ["127.0.0.1"], maxClientsPerAddress: 1 });
    await rig.connect({ headers: { "X-Forwarded-For": "198.51.100.1" } });
    await rig.connect({ headers: { "X-Forwarded-For": "198.51.100.2" } });
    const third = await rig.dial();
    const response = await third.handshake({ headers: { "X-Forwarded-For": "198.51.100.2" } });
    assert.equal(response.status, 429);
  });
});

describe("a client", () => {
  it("knows what its handshake found out", async (test) => {
    const rig = await startRig(test, { subprotocols: ["chat.v2", "chat.v1"], compression: true });
    const peer = await RawClient.open(`${rig.url}a/b?c=d`, {
      protocols: "chat.v1, chat.v2",
      offer: "permessage-deflate",
    });
    const [client] = rig.opened;
    assert.deepEqual([client!.path, client!.subprotocol, client!.isCompressed], ["/a/b", "chat.v2", true]);
    assert.equal(client!.connectedAt, rig.clock.now());
    peer.destroy();
  });

  it("counts its messages and their bytes, and so does the server", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer, client } = await rig.connect();
    for (const text of ["one", "twö", "x".repeat(70_000)]) await peer.echo(text);
    const totals = [3, 3, 3 + 4 + 70_000, 3 + 4 + 70_000];
    assert.deepEqual([client.messagesIn, client.messagesOut, client.bytesIn, client.bytesOut], totals);
    const { stats } = rig.server;
    assert.deepEqual([stats.messagesIn, stats.messagesOut, stats.bytesIn, stats.bytesOut], totals);
    assert.equal(stats.opened, 1);
  });
});
