// `hawser serve` with clients: rooms, and --echo.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type Guest, roomOf, rooms } from "#cli/serving/rooms.js";
import type { Hub } from "#hawser/hub/index.js";
import type { Client, Message } from "#hawser/index.js";
import { LogBook } from "../harness/rig.js";
import { cpuMs } from "../harness/cpu-time.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { RawClient } from "../harness/raw-client.js";
import { serve, type ServerProcess } from "../harness/server.js";

test("which paths are one room", () => {
  assert.equal(roomOf("/lobby"), "/lobby");
  assert.equal(roomOf("/lobby/"), "/lobby");
  assert.equal(roomOf("/lobby//"), "/lobby");
  assert.equal(roomOf("/%6Cobby"), "/lobby");
  assert.equal(roomOf("/caf%c3%a9"), roomOf("/caf%C3%A9"));
  assert.equal(roomOf("/"), "/");
  assert.equal(roomOf("//"), "/");
  assert.equal(roomOf("/a%2Fb"), "/a%2Fb");
  assert.equal(roomOf("/%ff"), "/%ff");
  assert.equal(roomOf("/%"), "/%");
});

test("a path takes time by its length: 64,000 slashes that are not its end took three seconds", () => {
  assert.equal(roomOf(`/a${"/".repeat(64_000)}`), "/a");
  const path = `${"/".repeat(64_000)}a`;
  const ms = cpuMs(() => assert.equal(roomOf(path), path));
  assert.ok(ms < 500, `${ms} ms`);
});

describe("what one client has on its way to the engine", () => {
  const lobby: Guest = { room: "/lobby", user: undefined, mayRead: true, mayPublish: true };
  const client = { id: "c1", data: lobby } as Client<Guest>;
  const message = (byteLength: number): Message => ({ byteLength }) as Message;
  const withEngine = (publish: () => Promise<unknown>): ((byteLength: number) => unknown) => {
    const handlers = rooms({ publish } as unknown as Hub, { logger: new LogBook() as never });
    return (byteLength) => handlers.message!(client, message(byteLength));
  };

  test("is so many messages, and so many bytes: then it is read no further until the last one is through", async () => {
    const answers: (() => void)[] = [];
    const send = withEngine(() => new Promise<void>((resolve) => answers.push(resolve)));
    for (let n = 1; n < 32; n++) assert.equal(send(10), undefined);
    const last = send(10);
    assert.ok(last instanceof Promise);
    for (const answer of answers.splice(0)) answer();
    await last;
    assert.equal(send(40 * 1024), undefined);
    const large = send(40 * 1024);
    assert.ok(large instanceof Promise);
    for (const answer of answers.splice(0)) answer();
    await large;
    assert.equal(send(10), undefined);
  });

  test("a failure of any kind is that message's alone", async () => {
    const send = withEngine(() => Promise.reject(new Error("nobody has thought of this")));
    let unhandled = 0;
    const count = (): void => void unhandled++;
    process.on("unhandledRejection", count);
    for (let n = 0; n < 40; n++) await send(10);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", count);
    assert.equal(unhandled, 0);
  });
});

describe("rooms", () => {
  let server: ServerProcess;
  before(async () => void (server = await serve([])));
  after(() => server.stop());
  const join = (path: string): Promise<RawClient> => RawClient.open(new URL(path, server.url).href);

  test("what a client sends goes to everyone else in the room, and to nobody beyond", async () => {
    const [a, b, c, elsewhere] = await Promise.all(["/one", "/one/", "/%6Fne", "/two"].map(join));
    await a!.sendFrame(frame.text("hello"));
    await a!.sendFrame(frame.binary(Uint8Array.of(0, 255)));
    for (const other of [b!, c!]) {
      const [text, binary] = [await other.nextMessage(), await other.nextMessage()];
      assert.deepEqual([text.type, text.bytes.toString()], ["text", "hello"]);
      assert.deepEqual([binary.type, [...binary.bytes]], ["binary", [0, 255]]);
    }
    // What the others send comes last: had there been anything before it, it would be seen.
    await b!.sendFrame(frame.text("back"));
    assert.equal((await a!.nextMessage()).bytes.toString(), "back");
    await elsewhere!.sendFrame(frame.ping("x"));
    assert.equal((await elsewhere!.nextEvent())?.type, "pong");
    for (const client of [a!, b!, c!, elsewhere!]) await client.close();
  });

  test("a flood of one client's comes to the others whole and in order", async () => {
    const [a, b] = await Promise.all(["/flood", "/flood"].map(join));
    const count = 20_000;
    const frames = Array.from({ length: count }, (_, n) => encodeFrame(frame.text(`${n}`)));
    await a!.sendBytes(Buffer.concat(frames));
    for (let n = 0; n < count; n++) assert.equal((await b!.nextMessage()).bytes.toString(), `${n}`);
    for (const client of [a!, b!]) await client.close();
  });

  test("an empty message is a message", async () => {
    const [a, b] = await Promise.all(["/empty", "/empty"].map(join));
    await a!.sendFrame(frame.text(""));
    assert.deepEqual(await b!.nextMessage(), { type: "text", bytes: Buffer.alloc(0), compressed: false });
    for (const client of [a!, b!]) await client.close();
  });
});

describe("--echo", () => {
  let server: ServerProcess;
  before(async () => void (server = await serve(["--echo"])));
  after(() => server.stop());

  test("each message comes back as its own type, on any path, and goes to nobody else", async () => {
    const [a, b] = await Promise.all([RawClient.open(`${server.url}x/y?z`), RawClient.open(`${server.url}x/y`)]);
    await a.echo("hello");
    await a.sendFrame(frame.binary(Uint8Array.of(1, 2)));
    const back = await a.nextMessage();
    assert.deepEqual([back.type, [...back.bytes]], ["binary", [1, 2]]);
    await b.echo("mine"); // the first thing b sees
    assert.deepEqual([...a.unreadEvents(), ...b.unreadEvents()], []);
    await a.close();
    await b.close();
  });
});
