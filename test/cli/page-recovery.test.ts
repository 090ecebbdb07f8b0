// The page as a client of the hub, in Chromium: it misses nothing, and says what it was late for.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test, type TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";
import { connect } from "@hawser/client";
import { until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { serve, type ServerProcess } from "../harness/server.js";
import { launch } from "../interop/peers/chromium.js";
import { need } from "../interop/harness/system.js";
import { plainClient } from "./harness/plain-client.js";

const chromium = await need("chromium");
const SECRET = "a secret that nobody knows, of enough bytes";

/** A message as the page shows it: who, what, and how it is marked. */
interface Shown {
  readonly who: string;
  readonly text: string;
  readonly isReplayed: boolean;
}

describe("the page and the hub", { skip: chromium.missing }, () => {
  let browser: Browser;
  before(async () => void (browser = await launch(chromium.path, ["--disable-back-forward-cache"])));
  after(() => browser?.close());

  async function start(t: TestContext, args: readonly string[] = [], env = {}): Promise<ServerProcess> {
    const server = await serve(args, { env });
    t.after(() => server.stop());
    return server;
  }

  /** In a context of its own. */
  async function open(t: TestContext, server: ServerProcess, room = "lobby"): Promise<Page> {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // Chromium writes of each connection that cannot be made.
      if (!/WebSocket connection|ERR_INTERNET_DISCONNECTED/.test(message.text())) complaints.push(message.text());
    });
    t.after(() => assert.deepEqual(complaints, []));
    await page.goto(at(server, room));
    return page;
  }

  test("the latest messages are there at the first visit, marked as earlier ones", async (t) => {
    const server = await start(t);
    const plain = await plainClient(t, server, "lobby");
    for (let n = 1; n <= 25; n++) plain.send(`before ${n}`);
    const page = await open(t, server);
    await page.getByText("before 25", { exact: true }).waitFor();
    plain.send("live");
    await page.getByText("live", { exact: true }).waitFor();
    const shown = await messagesOf(page);
    assert.deepEqual(
      shown.map(({ text, isReplayed }) => [text, isReplayed]),
      [...Array.from({ length: 20 }, (_, at) => [`before ${at + 6}`, true]), ["live", false]],
    );
    assert.deepEqual(await notesOf(page), ["Earlier in this room"]);
  });

  test("a plain client and the page are in one room, with text, JSON and bytes", async (t) => {
    const server = await start(t);
    const plain = await plainClient(t, server, "lobby");
    const page = await openPage(t, server);
    await say(page, "from the page");
    await until(() => plain.heard.length === 1, "the page's message");
    plain.send("from outside");
    plain.send(Uint8Array.of(0, 27, 255));
    await page.getByText("3 bytes: 00 1b ff").waitFor();
    const live = connect(server.url, { WebSocket });
    t.after(() => live.close());
    await live.topic("/lobby").publish({ price: [1, 2] });
    await page.getByText('"price"').waitFor();
    assert.deepEqual(plain.heard, ["from the page", '{"price":[1,2]}']);
    assert.deepEqual(
      (await messagesOf(page)).map(({ who, text }) => [who, text]),
      [
        ["You", "from the page"],
        ["Somebody", "from outside"],
        ["Somebody", "3 bytes: 00 1b ff"],
        ["Somebody", JSON.stringify({ price: [1, 2] }, null, 2)],
      ],
    );
    plain.send("y".repeat(300_000));
    await page.getByText("300,000 characters in all").waitFor();
  });

  test("offline: what others say meanwhile is there once, in order, marked and counted; what was written meanwhile is sent", async (t) => {
    const server = await start(t);
    const plain = await plainClient(t, server, "lobby");
    const page = await openPage(t, server);
    plain.send("before");
    await page.getByText("before", { exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByText("Disconnected: this device is offline").waitFor();
    for (let n = 1; n <= 5; n++) plain.send(`missed ${n}`);
    await say(page, "written offline");
    await page.getByText("waits for the connection").waitFor();
    assert.ok(!plain.heard.includes("written offline"));
    await page.context().setOffline(false);
    await page.getByText("missed 5", { exact: true }).waitFor();
    await until(() => plain.heard.includes("written offline"), "what was written offline");
    plain.send("after");
    await page.getByText("after", { exact: true }).waitFor();
    assert.deepEqual(await messagesOf(page), [
      { who: "Somebody", text: "before", isReplayed: false },
      ...[1, 2, 3, 4, 5].map((n) => ({ who: "Somebody", text: `missed ${n}`, isReplayed: true })),
      { who: "You", text: "written offline", isReplayed: false },
      { who: "Somebody", text: "after", isReplayed: false },
    ]);
    assert.deepEqual((await notesOf(page)).slice(-1), ["While you were away: 5"]);
    assert.deepEqual(plain.heard, ["written offline"]);
  });

  test("frozen, hidden, and in the back/forward cache: nothing is missed", async (t) => {
    const server = await start(t);
    const plain = await plainClient(t, server, "lobby");
    const page = await openPage(t, server);
    let last = 0;
    const more = (): void => {
      for (let n = 0; n < 5; n++) plain.send(`message ${++last}`);
    };
    const seen = (): Promise<void> => page.getByText(`message ${last}`, { exact: true }).waitFor();

    const session = await page.context().newCDPSession(page);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    more();
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await seen();

    const other = await page.context().newPage();
    await other.goto(at(server, "other"));
    await other.bringToFront();
    more();
    await page.bringToFront();
    await seen();
    await other.close();

    await page.goto(at(server, "elsewhere"));
    more();
    await page.goBack({ waitUntil: "commit" });
    await seen();

    const shown = (await messagesOf(page)).map(({ text }) => text);
    assert.deepEqual(
      shown,
      Array.from({ length: last }, (_, at) => `message ${at + 1}`),
    );
    // Only in the cache was it without a connection.
    assert.deepEqual(await notesOf(page), ["While you were away: 5"]);
  });

  test("a server that was restarted: said in words, with what it has now, and the page goes on", async (t) => {
    const server = await start(t, ["--port", String(await freePort())]);
    const plain = await plainClient(t, server, "lobby");
    const page = await openPage(t, server);
    plain.send("old");
    await page.getByText("old", { exact: true }).waitFor();
    await page.context().setOffline(true);
    await stateOf(page, "waiting");
    await server.stop();
    const again = await start(t, ["--port", String(server.port)]);
    const newPlain = await plainClient(t, again, "lobby");
    newPlain.send("meanwhile");
    await page.context().setOffline(false);
    await page.getByText("Messages are missing here: the server no longer has what was sent meanwhile").waitFor();
    await page.getByText("meanwhile", { exact: true }).waitFor();
    newPlain.send("new");
    await page.getByText("new", { exact: true }).waitFor();
    assert.deepEqual(
      (await messagesOf(page)).map(({ text, isReplayed }) => [text, isReplayed]),
      [
        ["old", false],
        ["meanwhile", true],
        ["new", false],
      ],
    );
  });

  test("disconnected by hand and connected again, it goes on where it was", async (t) => {
    const server = await start(t);
    const plain = await plainClient(t, server, "lobby");
    const page = await openPage(t, server);
    plain.send("one");
    await page.getByText("one", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await stateOf(page, "closed");
    plain.send("two");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByText("two", { exact: true }).waitFor();
    assert.deepEqual(
      (await messagesOf(page)).map(({ text, isReplayed }) => [text, isReplayed]),
      [
        ["one", false],
        ["two", true],
      ],
    );
  });

  test("a server that is away: why, a countdown, and a button", async (t) => {
    const server = await start(t, ["--port", String(await freePort())]);
    const page = await openPage(t, server);
    await server.stop();
    await page.getByText("Disconnected: the server is shutting down").waitFor();
    await stateOf(page, "waiting");
    await page.getByText(/^in \d+ s$/).waitFor();
    const again = await start(t, ["--port", String(server.port)]);
    await stateOf(page, "open");
    assert.ok(again.lines.some(({ event }) => event === "connect"));
  });

  test("two tabs talk, each message once, and each knows its own", async (t) => {
    const server = await start(t);
    const [one, two] = [await openPage(t, server), await openPage(t, server)];
    // The same words at the same time.
    await Promise.all([say(one, "same"), say(two, "same")]);
    await say(one, "from one");
    await two.getByText("from one", { exact: true }).waitFor();
    await say(two, "from two");
    await one.getByText("from two", { exact: true }).waitFor();
    const whoSaid = async (page: Page): Promise<string[]> =>
      (await messagesOf(page)).map(({ who, text }) => `${who}: ${text}`);
    const [a, b] = [await whoSaid(one), await whoSaid(two)];
    assert.deepEqual(a.slice(0, 2).toSorted(), ["Somebody: same", "You: same"]);
    assert.deepEqual(b.slice(0, 2), a.slice(0, 2).toReversed());
    assert.deepEqual(a.slice(2), ["You: from one", "Somebody: from two"]);
    assert.deepEqual(b.slice(2), ["Somebody: from one", "You: from two"]);
  });

  test("who is here, where that is told", async (t) => {
    const server = await start(t, ["--presence"]);
    const page = await openPage(t, server);
    await page.getByText("1 here").waitFor();
    const other = await openPage(t, server);
    await page.getByText("2 here").click();
    await page.getByText("you, 1 other").waitFor();
    await other.close();
    await page.getByText("1 here").waitFor();
    const quiet = await openPage(t, await start(t));
    assert.equal(await quiet.locator("#here").isVisible(), false);
  });

  test("where tokens decide it asks for one, and names come from them", async (t) => {
    const server = await start(t, ["--presence"], { HAWSER_TOKEN_SECRET: SECRET });
    const page = await open(t, server);
    await page.getByText("This server asks for a token.").waitFor();
    await page.getByLabel("Token").fill("nonsense");
    await page.getByLabel("Token").press("Enter");
    await page.getByText("The server does not take this token.").waitFor();
    await page.getByLabel("Token").fill(tokenOf("ada"));
    await page.getByLabel("Token").press("Enter");
    await stateOf(page, "open");
    assert.equal(await page.locator("#token-form").isVisible(), false);
    await say(page, "it is me");
    // It is kept for this tab.
    await page.reload();
    await stateOf(page, "open");
    await page.getByText("it is me").waitFor();
    const bob = await open(t, server);
    await bob.getByLabel("Token").fill(tokenOf("bob"));
    await bob.getByLabel("Token").press("Enter");
    await stateOf(bob, "open");
    await say(bob, "and this is me");
    await page.getByText("and this is me").waitFor();
    assert.deepEqual(
      (await messagesOf(page)).map(({ who, text }) => [who, text]),
      [
        ["You", "it is me"],
        ["bob", "and this is me"],
      ],
    );
    await page.getByText("2 here").click();
    await page.getByText("you, bob").waitFor();
  });

  test("a token that is for other rooms: it says so, and takes another one", async (t) => {
    const server = await start(t, [], { HAWSER_TOKEN_SECRET: SECRET });
    const page = await open(t, server);
    await page.getByLabel("Token").fill(tokenOf("ada", { hub: { subscribe: ["/other"], publish: ["/other"] } }));
    await page.getByLabel("Token").press("Enter");
    await page.getByText("This token is not for this room.").waitFor();
    await page.getByLabel("Token").fill(tokenOf("ada"));
    await page.getByLabel("Token").press("Enter");
    await stateOf(page, "open");
  });

  async function openPage(t: TestContext, server: ServerProcess): Promise<Page> {
    const page = await open(t, server);
    await stateOf(page, "open");
    return page;
  }
});

function at(server: ServerProcess, room: string): string {
  return server.url.replace(/^ws/, "http") + room;
}

function tokenOf(user: string, more: object = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + 600, ...more })}`;
  return `${content}.${createHmac("sha256", SECRET).update(content).digest("base64url")}`;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.getByRole("textbox", { name: "Message" }).press("Enter");
}

async function stateOf(page: Page, state: string): Promise<void> {
  await page.locator(`#state[data-state=${state}]`).waitFor();
}

async function notesOf(page: Page): Promise<string[]> {
  return page.locator(".event").allTextContents();
}

/** From top to bottom, once none is on its way. */
async function messagesOf(page: Page): Promise<Shown[]> {
  await page.locator(".pending").waitFor({ state: "detached" });
  const messages = await page.locator(".message").all();
  return Promise.all(
    messages.map(async (message) => ({
      who: (await message.locator(".who").textContent()) ?? "",
      text: (await message.locator(".text").textContent()) ?? "",
      isReplayed: ((await message.getAttribute("class")) ?? "").includes("replayed"),
    })),
  );
}
