/** What is in AsyncLocalStorage while a handler runs is its client's: what was there at the handshake, and never what another one has. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { type Client, createServer, type Server, type ServerOptions } from "#hawser/index.js";
import { currentContext, runIn } from "#hawser/server/base/async-context.js";
import { internals } from "#hawser/server/internals/internals.js";
import { inParallel, until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { RawClient } from "../harness/raw-client.js";
import { certificates } from "../harness/certificates.js";
import { gate, listenOn } from "../harness/rig.js";

const CLIENTS = 30;
const MESSAGES = 40;
const storage = new AsyncLocalStorage<string>();

/** Whose `where` ran, and what it found; an empty name: nobody's. */
interface Note {
  readonly where: string;
  readonly name: string;
  readonly found: string;
}

interface Way {
  readonly options?: ServerOptions<string>;
  readonly http?: () => HttpServer;
  /** Who enters the store: `authenticate`, which may wait afterwards, or whoever calls `handleUpgrade`. */
  readonly by: "authenticate" | "async authenticate" | "caller";
}

const tls = certificates.first;
const WAYS: Readonly<Record<string, Way>> = {
  "lean sockets": { by: "authenticate" },
  "lean sockets, authenticate waits": { by: "async authenticate" },
  "portable sockets": { by: "authenticate", options: { portableSockets: true } },
  TLS: { by: "async authenticate", options: { tls } },
  attached: { by: "authenticate", http: () => createHttpServer() },
  "handleUpgrade in a context": { by: "caller", http: () => createHttpServer() },
  "handleUpgrade in a context, portable, over TLS": {
    by: "caller",
    options: { portableSockets: true },
    http: () => createHttpsServer(tls),
  },
};

function nameOf(url: string): string {
  return new URL(url, "ws://localhost").searchParams.get("name") ?? "";
}

/** A server whose handlers all say what they found, and call upon each other's clients. */
async function startServer(
  test: TestContext,
  { by, options = {}, http }: Way,
): Promise<{ url: string; server: Server<string>; notes: Note[] }> {
  const notes: Note[] = [];
  const note = (where: string, name: string): void => void notes.push({ where, name, found: storage.getStore() ?? "" });
  // As the mixin of a logger would look.
  const log = (fields: object): void => {
    const { event, id = "" } = fields as { event: string; id?: string };
    if (event === "disconnect") note("log", names.get(id)!);
  };
  const shared = { promise: Promise.resolve() };
  const names = new Map<string, string>();
  const clients: Client<string>[] = [];
  const server = createServer<string>({
    maxMessagesPerTurn: 8,
    maxBacklogBytes: 64 * 1024 * 1024,
    writeWaitMs: 60_000,
    idleTimeoutMs: 60_000,
    logger: { debug() {}, info: log, warn: log, error() {} },
    authenticate(request) {
      const name = request.query.get("name") ?? "";
      if (name !== "" && by !== "caller") storage.enterWith(name);
      return by === "async authenticate" ? new Promise((done) => setTimeout(done, 1, name)) : name;
    },
    open(client, request) {
      note("open", client.data);
      names.set(client.id, client.data);
      clients.push(client);
      if (request.query.has("slow")) client.subscribe("slow");
    },
    message(client, message) {
      note("message", client.data);
      const number = message.byteLength % 8;
      if (number === 0) server.publish("slow", Buffer.alloc(32 * 1024), { except: client });
      if (number === 1) return shared.promise;
      if (number === 2) return new Promise((done) => setImmediate(done));
      if (number === 3) shared.promise = new Promise((done) => setTimeout(done, 1));
      const other = clients[(clients.indexOf(client) + 1) % clients.length]!;
      if (number === 4) other.send("to you");
      if (message.text() === "cut the next") other.terminate();
      if (message.text() === "close the next") other.close(4000);
      if (message.text() === "fail") throw new Error("as it was to");
      return undefined;
    },
    drain: (client) => note("drain", client.data),
    close: (client) => note("close", client.data),
    ...options,
  });
  const onDisconnect = (message: unknown): void => {
    const { client, server: of } = message as { client: Client<string>; server: object };
    if (of === server) note("diagnostics", client.data);
  };
  subscribe("hawser:disconnect", onDisconnect);
  test.after(async () => {
    unsubscribe("hawser:disconnect", onDisconnect);
    await server.close({ graceMs: 0 });
  });
  if (http === undefined) return { url: (await server.listen(0)).url, server, notes };
  const front = http();
  test.after(() => {
    front.closeAllConnections();
    front.close();
  });
  if (by !== "caller") server.attach(front);
  else {
    front.on("upgrade", (request, socket, head) => {
      const name = nameOf(request.url!);
      const take = (): void => server.handleUpgrade(request, socket, head);
      if (name === "") take();
      else storage.run(name, take);
    });
  }
  return {
    url: `${front instanceof createHttpServer().constructor ? "ws" : "wss"}://127.0.0.1:${await listenOn(front)}/`,
    server,
    notes,
  };
}

describe("AsyncLocalStorage in handlers", () => {
  for (const [title, way] of Object.entries(WAYS)) {
    it(`is that of the client's handshake, with ${CLIENTS} clients of which some have none: ${title}`, async (test) => {
      const { url, server, notes } = await startServer(test, way);
      const peers: RawClient[] = [];
      test.after(() => peers.forEach((peer) => peer.destroy()));
      await inParallel(Array(CLIENTS).keys(), 6, async (i) => {
        peers[i] = await RawClient.open(`${url}?name=${i % 3 === 0 ? "" : `client ${i}`}${i < 10 ? "&slow" : ""}`);
      });
      for (const peer of peers.slice(0, 10)) peer.socket.pause();
      for (const [i, peer] of peers.entries()) {
        const burst = Array.from({ length: MESSAGES }, (_, k) =>
          encodeFrame(frame.text("x".repeat(1 + ((i + k) % 8)))),
        );
        await peer.sendBytes(Buffer.concat(burst));
      }
      await until(() => server.stats.messagesIn >= (CLIENTS - 10) * MESSAGES, "the messages of those who read");
      const found = (where: string): number => notes.filter((note) => note.where === where).length;
      // The kernel may have taken all of that.
      const slow = [...server.clients.values()].find(({ data }) => data === "client 1")!;
      while (slow.send(Buffer.alloc(64 * 1024)) === "sent");
      for (const peer of peers.slice(0, 10)) peer.socket.resume();
      await until(() => found("drain") > 0, "a drain");
      await until(() => server.stats.messagesIn === CLIENTS * MESSAGES, "all messages");
      // Some are ended by other clients' handlers, some by themselves, some by the peer, and the rest by the shutdown.
      for (const [i, text] of ["cut the next", "close the next", "fail"].entries())
        await peers[10 + 5 * i]!.sendFrame(frame.text(text));
      for (const peer of peers.slice(0, 4)) await peer.sendFrame(frame.close(1000));
      for (const peer of peers.slice(4, 8)) peer.reset();
      await until(() => found("close") >= 10, "ten closes");
      await storage.run("whoever shuts down", () => server.close({ graceMs: 300 }));
      for (const where of ["open", "close", "log", "diagnostics"]) assert.equal(found(where), CLIENTS, where);
      assert.deepEqual(
        notes.filter(({ name, found: store }) => name !== store),
        [],
      );
    });
  }

  it("is that of the handshake for a deadline, too, and for those who listen to authenticate's signal", async (test) => {
    const notes: Note[] = [];
    const note = (where: string, name: string): void =>
      void notes.push({ where, name, found: storage.getStore() ?? "" });
    const server = createServer<string>({
      logLevel: "silent",
      idleTimeoutMs: 100,
      closeTimeoutMs: 50,
      handshakeTimeoutMs: 100,
      authenticate(request, { signal }) {
        const name = request.query.get("name") ?? "";
        if (name !== "") storage.enterWith(name);
        signal.addEventListener("abort", () => note("abort", name));
        return name.startsWith("slow") ? gate<string>().promise : name;
      },
      close: (client) => note("close", client.data),
    });
    const { url } = await server.listen(0);
    test.after(() => server.close({ graceMs: 0 }));
    const peers: RawClient[] = [];
    for (const name of ["", "a", "b", "slow1", "slow2"]) {
      const peer = await RawClient.connect(url);
      peers.push(peer);
      void peer.handshake({ path: `/?name=${name}` }).catch(() => {});
    }
    test.after(() => peers.forEach((peer) => peer.destroy()));
    await until(() => notes.length === 5, "three closes and two aborts");
    assert.deepEqual(
      notes.filter(({ name, found }) => name !== found),
      [],
    );
  });

  it("of one client does not reach the next through what it enters in a handler", async (test) => {
    const seen: [string, string][] = [];
    const server = createServer<undefined>({
      logLevel: "silent",
      maxMessagesPerTurn: 2,
      open: (client) => storage.enterWith(client.id),
      message(client) {
        seen.push([client.id, storage.getStore() ?? ""]);
        storage.enterWith(client.id);
      },
      close(client) {
        seen.push([client.id, storage.getStore() ?? ""]);
        storage.enterWith(client.id);
      },
    });
    const { url } = await server.listen(0);
    test.after(() => server.close({ graceMs: 0 }));
    for (let i = 0; i < 4; i++) {
      const peer = await RawClient.open(url);
      await peer.sendBytes(Buffer.concat(Array.from({ length: 9 }, () => encodeFrame(frame.text("x")))));
      await until(() => seen.length === i * 10 + 9, "its messages");
      peer.destroy();
      await until(() => seen.length === i * 10 + 10, "its close");
    }
    assert.deepEqual(
      seen.filter(([id, found]) => id !== found),
      [],
    );
  });
});

describe("an async context", () => {
  it("is none where nothing is in any storage, and then nothing is found in it, whoever calls", () => {
    const empty = currentContext(internals.carriesStores);
    storage.run("somebody's", () => {
      runIn(empty, () => assert.equal(storage.getStore(), undefined));
      const own = currentContext(internals.carriesStores);
      assert.ok(own !== null);
      storage.run("another's", () => runIn(own, () => assert.equal(storage.getStore(), "somebody's")));
    });
  });

  it("that is none is not changed by what is entered in it", () => {
    runIn(null, () => storage.enterWith("left behind"));
    runIn(null, () => assert.equal(storage.getStore(), undefined));
  });
});
