// `hawser serve` as a hub: real processes, plain clients and those of hawser.v1 in one room, tokens, and the HTTP API.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test, type TestContext } from "node:test";
import { connect as connectLive, type WebSocketConstructor } from "@hawser/client";
import { writeHello, writePub, writeSub, writeWho } from "@hawser/wire/client";
import { SignJWT } from "jose";
import { WebSocket } from "ws";
import { until } from "../harness/concurrency.js";
import { serve, type ServeOptions, type ServerProcess } from "../harness/server.js";
import { has, PlainClient, WireClient } from "../hub/harness/hub-rig.js";
import { jwk, KeyServer, p256, withKeys, withStatus } from "../jwt/harness/issuer.js";

const SECRET = "0123456789abcdef0123456789abcdef";
const KEY = "a-publish-key-of-ours";

async function start(t: TestContext, args: readonly string[], options?: ServeOptions): Promise<ServerProcess> {
  const server = await serve(args, options);
  t.after(() => server.stop());
  return server;
}

/** Whatever the only path is that takes WebSockets. */
function urlOf({ port }: ServerProcess, path: string): string {
  return `ws://127.0.0.1:${port}/${path}`;
}

async function plain(server: ServerProcess, path: string): Promise<PlainClient> {
  const peer = new PlainClient(urlOf(server, path));
  await once(peer.socket, "open");
  return peer;
}

async function wire(server: ServerProcess, path = "", token?: string): Promise<WireClient> {
  const peer = new WireClient(urlOf(server, path));
  await once(peer.socket, "open");
  peer.send(writeHello(1, token));
  return peer;
}

/** A handshake that is refused. */
function refused(
  server: ServerProcess,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; challenge: string | undefined }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(urlOf(server, path), { headers });
    socket.on("error", () => {});
    socket.on("open", () => reject(new Error("it was let in")));
    socket.on("unexpected-response", (_, response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () =>
        resolve({ status: response.statusCode!, body, challenge: response.headers["www-authenticate"] }),
      );
    });
  });
}

async function post(
  server: ServerProcess,
  path: string,
  body: unknown,
  key: string | undefined = KEY,
): Promise<{ status: number; type: string | null; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    body: (await response.json()) as Record<string, unknown>,
  };
}

function token(claims: Record<string, unknown> = {}, seconds = 3600, secret = SECRET): Promise<string> {
  return new SignJWT({ sub: "ada", exp: Math.floor(Date.now() / 1000) + seconds, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(Buffer.from(secret));
}

describe("rooms as topics", () => {
  let server: ServerProcess;
  before(async () => void (server = await serve(["--publish-key", KEY])));
  after(() => server.stop());

  test("plain clients and those of hawser.v1 talk in one room, both ways", async () => {
    const [one, other] = [await plain(server, "lobby"), await plain(server, "lobby/")];
    const ada = await wire(server, "any/path");
    await ada.ask(2, writeSub("/lobby", 2));
    for (const text of ["hi", "", 'he said "hi" \\ and went', "房间 😀\n\u2028", "12", "null", "x".repeat(200_000)]) {
      one.socket.send(text);
      assert.equal(await other.next(), text);
      has(await ada.next("pub"), { pub: "/lobby", d: text });
    }
    for (const bytes of [Buffer.of(0, 255, 128), Buffer.alloc(0)]) {
      one.socket.send(bytes);
      assert.deepEqual(await other.next(), bytes);
      assert.deepEqual(Buffer.from((await ada.next("pub")).d as Uint8Array), bytes);
    }
    ada.send(writePub("/lobby", "text"), writePub("/lobby", { a: [1, "é"] }), writePub("/lobby", -1.5));
    ada.send(writePub("/lobby", null), writePub("/lobby", ""));
    // The first that it sees: nothing that it sent itself came back.
    for (const expected of ["text", '{"a":[1,"é"]}', "-1.5", "null", ""]) {
      assert.equal(await one.next(), expected);
      assert.equal(await other.next(), expected);
    }
    for (const peer of [one, other, ada]) peer.socket.close();
  });

  test("a name that is no path is a topic, too, and rooms do not hear of each other", async () => {
    const [ada, bob] = [await wire(server), await wire(server, "lobby")];
    await ada.ask(2, writeSub("news", 2));
    await bob.ask(2, writeSub("/caf\u00e9", 2));
    has(await bob.ask(3, writePub("news", 1, 3)), { ok: 3, o: 1 });
    has(await ada.next("pub"), { pub: "news", d: 1 });
    const guest = await plain(server, "caf%C3%A9");
    guest.socket.send("un café");
    has(await bob.next("pub"), { pub: "/caf\u00e9", d: "un café" });
    assert.ok(ada.frames.every(({ verb }) => verb === "hello"));
    for (const peer of [ada, bob, guest]) peer.socket.close();
  });

  test("who was cut off is given what it missed, by @hawser/client, in order and once", async () => {
    const sockets: WebSocket[] = [];
    class Cuttable extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        sockets.push(this);
      }
    }
    const live = connectLive(server.url, { WebSocket: Cuttable as unknown as WebSocketConstructor });
    const seen: string[] = [];
    const topic = live.topic("/resumed");
    topic.subscribe({
      message: (data, { replayed }) => seen.push(`${String(data)}${replayed ? " again" : ""}`),
      gap: () => seen.push("gap"),
    });
    await topic.publish("first");
    await until(() => seen.length === 1, "the first");
    const sender = await plain(server, "resumed");
    sockets[0]!.terminate();
    for (const text of ["a", "b"]) sender.socket.send(text);
    await until(() => seen.length === 3, "what was missed");
    sender.socket.send("c");
    await until(() => seen.length === 4, "what comes then");
    assert.equal(sockets.length, 2);
    assert.deepEqual(
      seen.map((text) => text.replace(" again", "")),
      ["first", "a", "b", "c"],
    );
    live.close();
    sender.socket.close();
  });

  test("a backend publishes on the main port: position, duplicate, wrong key, and what is wrong in words", async () => {
    const guest = await plain(server, "orders");
    const first = await post(server, "/hub/publish", { topic: "/orders", data: { id: 7 }, key: "order-7" });
    assert.equal(first.status, 200);
    assert.deepEqual(first.body, { offset: 1, epoch: first.body["epoch"], duplicate: false });
    const again = await post(server, "/hub/publish", { topic: "/orders", data: { id: 7 }, key: "order-7" });
    assert.deepEqual(again.body, { ...first.body, duplicate: true });
    await post(server, "/hub/publish", { topic: "/orders", data: "text" });
    assert.deepEqual([await guest.next(), await guest.next()], ['{"id":7}', "text"]);
    for (const key of ["another-key-of-nobody", undefined]) {
      const wrong = await post(server, "/hub/publish", { topic: "/orders", data: 1 }, key ?? "");
      assert.deepEqual([wrong.status, wrong.type], [401, "application/problem+json"]);
    }
    await server.waitForEvent("publish-key-refused");
    assert.ok(!JSON.stringify(server.lines).includes(KEY));
    const page = await fetch(`http://127.0.0.1:${server.port}/orders`);
    assert.match(await page.text(), /^<!doctype html>/i);
    const document = await fetch(`http://127.0.0.1:${server.port}/hub/openapi.json`);
    assert.match(await document.text(), /"openapi":"3\.[^}]*"/);
    guest.socket.close();
  });

  test("a path that is no room is refused in words; one of hawser.v1 may come on it", async () => {
    const long = await refused(server, "x".repeat(255));
    assert.deepEqual([long.status, long.body], [414, "The path is no room: a room's name has 255 bytes at most.\n"]);
    assert.equal((await refused(server, "%C3%A9".repeat(130))).status, 414);
    assert.equal((await refused(server, "a%00b")).status, 400);
    assert.equal((await refused(server, "a%0Ab")).status, 400);
    for (const path of ["x".repeat(254), "%", "%ff%fe", "%E0%A4%A", "a%2Fb", "%2e%2e/x"]) {
      (await plain(server, path)).socket.close();
    }
    const ada = await wire(server, "x".repeat(300));
    await ada.next("hello");
    ada.close();
  });

  test("ten thousand rooms cost one client its own topics alone, and the server goes on", async () => {
    const ada = await wire(server);
    await ada.next("hello");
    for (let n = 0; n < 10_000 && ada.closed === undefined; n++) ada.send(writeSub(`/r${n}`, n + 2));
    await until(() => ada.closed !== undefined || ada.frames.length >= 10_000, "its end, or all answers");
    assert.ok(ada.frames.filter(({ verb }) => verb === "ok").length <= 1000);
    if (ada.closed !== undefined) assert.equal(ada.closed.code, 4429);
    const [one, other] = [await plain(server, "calm"), await plain(server, "calm")];
    one.socket.send("still here");
    assert.equal(await other.next(), "still here");
    for (const peer of [ada, one, other]) peer.socket.close();
  });
});

test("after a restart the epoch is another: who comes back is told that it missed something", async (t) => {
  const first = await serve([]);
  const ada = await wire(first);
  const before = await ada.ask(2, writeSub("/lobby", 2));
  await ada.ask(3, writePub("/lobby", 1, 3));
  assert.equal((await first.stop()).code, 0);
  has(await ada.next("bye"), { bye: "drain" });
  assert.equal((await ada.end()).code, 1001);
  const second = await start(t, []);
  const again = await wire(second);
  const { e } = before as { e: string };
  has(await again.ask(2, writeSub("/lobby", 2, 1, e)), { ok: 2, missed: true });
});

test("history and presence are as they were asked for", async (t) => {
  const none = await start(t, ["--history-size", "0"]);
  const [ada, guest] = [await wire(none), await plain(none, "lobby")];
  has(await ada.ask(2, writeSub("/lobby", 2)), { ok: 2, o: undefined });
  guest.socket.send("hi");
  has(await ada.next("pub"), { d: "hi", o: undefined });
  has(await ada.ask(3, writeWho("/lobby", 3)), { code: "unsupported" });
  const some = await start(t, ["--presence"], { env: { HAWSER_HISTORY_SIZE: "2" } });
  const bob = await wire(some);
  await bob.ask(2, writeSub("/lobby", 2));
  for (const n of [1, 2, 3]) await bob.ask(2 + n, writePub("/lobby", n, 2 + n));
  const late = await wire(some);
  has(await late.ask(2, writeSub("/lobby", 2, 0, "x")), { missed: true });
  assert.notEqual((await late.ask(3, writeWho("/lobby", 3))).verb, "err");
});

test("without a publish key the API says that there is none, and how to have one", async (t) => {
  const server = await start(t, ["--hub-base", "/api/topics", "--path", "/chat"]);
  const { status, type, body } = await post(server, "/api/topics/publish", { topic: "/lobby", data: 1 });
  assert.deepEqual([status, type, body["code"]], [501, "application/problem+json", "unsupported"]);
  assert.match(String(body["detail"]), /HAWSER_PUBLISH_KEY/);
  const document = await fetch(`http://127.0.0.1:${server.port}/api/topics/openapi.json`);
  assert.equal(document.status, 200);
  assert.equal((await refused(server, "lobby")).status, 404);
  const [guest, ada] = [await plain(server, "chat"), await wire(server, "chat")];
  await ada.ask(2, writeSub("/chat", 2));
  guest.socket.send("hi");
  has(await ada.next("pub"), { d: "hi" });
});

describe("tokens", () => {
  let server: ServerProcess;
  before(
    async () =>
      void (server = await serve(["--audience", "chat", "--presence"], {
        env: { HAWSER_TOKEN_SECRET: SECRET, HAWSER_PUBLISH_KEY: KEY },
      })),
  );
  after(() => server.stop());
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
  const guestWith = async (path: string, claims: object): Promise<PlainClient> => {
    const headers = bearer(await token({ aud: "chat", ...claims }));
    const peer = new PlainClient(urlOf(server, path), headers);
    await once(peer.socket, "open");
    return peer;
  };

  test("a plain client without a good one is refused with 401, in words that hold nothing of it", async () => {
    for (const [headers, said] of [
      [{}, /no token/],
      [bearer("rubbish"), /no token that can be read/],
      [bearer(await token({ aud: "chat" }, 3600, "another secret of thirty-two byte")), /signature/],
      [bearer(await token({ aud: "chat" }, -60)), /expired/],
      [bearer(await token({ aud: "shop" })), /audience/],
    ] as const) {
      const { status, body, challenge } = await refused(server, "lobby", headers);
      assert.equal(status, 401);
      assert.match(body, said);
      assert.match(challenge ?? "", /^Bearer realm=/);
    }
    assert.ok(!JSON.stringify(server.lines).includes("rubbish"));
  });

  test("one of hawser.v1 says it in its hello", async () => {
    const nobody = await wire(server);
    has(await nobody.answer(1), { code: "unauthorized" });
    const ada = await wire(server, "", await token({ aud: "chat" }));
    await ada.next("hello");
    has(await ada.ask(2, writeSub("/any", 2)), { ok: 2 });
    const guest = await guestWith("any", { sub: "bob" });
    guest.socket.send("hi");
    has(await ada.next("pub"), { d: "hi", by: "bob" });
    for (const peer of [nobody, ada, guest]) peer.socket.close();
  });

  test("a token with topics is for these alone, to read and to write apart", async () => {
    const hub = { sub: ["/read"], pub: ["/write"] };
    const ada = await wire(server, "", await token({ aud: "chat", hub }));
    await ada.next("hello");
    has(await ada.ask(2, writeSub("/read", 2)), { ok: 2 });
    has(await ada.ask(3, writeSub("/write", 3)), { code: "forbidden" });
    has(await ada.ask(4, writePub("/write", 1, 4)), { ok: 4 });
    has(await ada.ask(5, writePub("/read", 1, 5)), { code: "forbidden" });
    has(await ada.ask(6, writeWho("/write", 6)), { code: "forbidden" });
    assert.equal((await refused(server, "other", bearer(await token({ aud: "chat", hub })))).status, 403);
    const [reader, writer] = [await guestWith("read", { hub }), await guestWith("write", { hub })];
    await post(server, "/hub/publish", { topic: "/read", data: "hi" });
    assert.equal(await reader.next(), "hi");
    await post(server, "/hub/publish", { topic: "/write", data: "not for it" });
    const watching = await wire(server, "", await token({ aud: "chat" }));
    await watching.ask(2, writeSub("/write", 2));
    writer.socket.send("mine");
    has(await watching.next("pub"), { d: "mine" });
    assert.deepEqual(writer.received, []);
    reader.socket.send("not mine to write");
    const [code] = (await once(reader.socket, "close")) as [number];
    assert.equal(code, 1008);
    for (const peer of [ada, writer, watching]) peer.socket.close();
  });

  test("a user that is put out is out, plain or not", async () => {
    const guest = await guestWith("lobby", { sub: "eve" });
    const eve = await wire(server, "", await token({ aud: "chat", sub: "eve" }));
    await eve.next("hello");
    await post(server, "/hub/revoke", { user: "eve" });
    const [code] = (await once(guest.socket, "close")) as [number];
    assert.deepEqual([code, (await eve.end()).code], [4403, 4403]);
  });
});

test("--jwks: a token of the set's key comes in, plain or not; others do not, and a set that is away is told as such", async (t) => {
  await using keys = new KeyServer(withKeys(jwk(p256, "k1", { alg: "ES256" })));
  await keys.listen();
  const args = ["--jwks", keys.url, "--audience", "chat", "--issuer", "us"];
  const server = await start(t, args);
  const sign = (claims: object): Promise<string> =>
    new SignJWT({ sub: "ada", aud: "chat", iss: "us", ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setExpirationTime("1h")
      .sign(p256.privateKey);
  const headers = { authorization: `Bearer ${await sign({})}` };
  const guest = new PlainClient(urlOf(server, "lobby"), headers);
  await once(guest.socket, "open");
  const ada = await wire(server, "", await sign({ hub: { sub: ["/lobby"] } }));
  has(await ada.ask(2, writeSub("/lobby", 2)), { ok: 2 });
  guest.socket.send("hi");
  has(await ada.next("pub"), { d: "hi", by: "ada" });
  for (const wrong of [
    await sign({ iss: "them" }),
    await sign({ aud: "shop" }),
    await token({ aud: "chat", iss: "us" }),
  ]) {
    assert.equal((await refused(server, "lobby", { authorization: `Bearer ${wrong}` })).status, 401);
  }
  keys.answer = withStatus(500);
  const keyless = await start(t, args);
  assert.equal((await refused(keyless, "lobby", headers)).status, 503);
  await keyless.waitForEvent("jwks-failed");
});
