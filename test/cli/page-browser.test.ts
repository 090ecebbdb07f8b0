// The page in a real browser: two tabs talk, a lost connection comes back, and nothing breaks the page's own policy.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Browser, Page } from "playwright-core";

import { serve, type ServerProcess } from "../harness/server.js";
import { plainClient } from "./harness/plain-client.js";
import { launch } from "../interop/peers/chromium.js";
import { need } from "../interop/harness/system.js";

const chromium = await need("chromium");

describe("the page in Chromium", { skip: chromium.missing }, () => {
  let browser: Browser;
  const complaints: string[] = [];
  before(async () => void (browser = await launch(chromium.path)));
  after(() => browser.close());

  async function open(server: ServerProcess, path: string): Promise<Page> {
    const page = await browser.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(server.url.replace(/^ws/, "http") + path);
    await stateOf(page, "open");
    return page;
  }

  test("two tabs in one room talk, and what they write stays text", async (t) => {
    const server = await serve([]);
    t.after(() => server.stop());
    const [one, two, elsewhere] = [
      await open(server, "lobby"),
      await open(server, "lobby/"),
      await open(server, "other"),
    ];
    assert.equal(await one.title(), "/lobby - Hawser");

    await say(one, "hello <b>you</b>");
    await two.getByText("hello <b>you</b>").waitFor();
    await two.getByRole("textbox", { name: "Message" }).fill("two\nlines");
    await two.getByRole("button", { name: "Send" }).click();
    await one.getByText("two\nlines").waitFor();

    assert.deepEqual(await messagesOf(one), [
      ["You", "hello <b>you</b>"],
      ["Somebody", "two\nlines"],
    ]);
    assert.deepEqual(await messagesOf(two), [
      ["Somebody", "hello <b>you</b>"],
      ["You", "two\nlines"],
    ]);
    assert.deepEqual(await messagesOf(elsewhere), []);
    assert.deepEqual(complaints, []);
  });

  test("echo", async (t) => {
    const server = await serve(["--echo"]);
    t.after(() => server.stop());
    const page = await open(server, "");
    await page.getByRole("textbox", { name: "Message" }).fill("there and back");
    await page.keyboard.press("Enter");
    await page.getByText("Echo ·").waitFor();
    assert.deepEqual(await messagesOf(page), [
      ["You", "there and back"],
      ["Echo", "there and back"],
    ]);
  });

  test("disconnecting says why; what is too large is not sent, and the connection comes back", async (t) => {
    const server = await serve(["--max-message-bytes", "300"]);
    t.after(() => server.stop());
    const page = await open(server, "lobby");
    await page.getByRole("button", { name: "Disconnect" }).click();
    await stateOf(page, "closed");
    await page.getByText("Disconnected: closed normally (1000)").waitFor();
    await page.getByRole("button", { name: "Connect" }).click();
    await stateOf(page, "open");

    await say(page, "x".repeat(400));
    await page.getByText("the message was larger than the server takes (1009").waitFor();
    await page.getByText("not sent: the connection was lost").waitFor();
    await stateOf(page, "open");
    assert.equal(await page.getByText("Connected again").count(), 2);
  });

  test("with --path, the page of any address connects there", async (t) => {
    const server = await serve(["--path", "/chat"]);
    t.after(() => server.stop());
    const page = await browser.newPage();
    await page.goto(new URL("/", server.url.replace(/^ws/, "http")).href);
    await stateOf(page, "open");
    assert.equal((await server.waitForEvent("connect"))["path"], "/chat");
    // It is in the room of that path, as plain clients are.
    const plain = await plainClient(t, server, "chat");
    plain.send("hello");
    await page.getByText("hello").waitFor();
  });
});

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
}

async function stateOf(page: Page, state: string): Promise<void> {
  await page.locator(`#state[data-state=${state}]`).waitFor();
}

/** Who wrote what, from top to bottom. */
async function messagesOf(page: Page): Promise<[who: string, text: string][]> {
  const messages = await page.locator(".message").all();
  return Promise.all(
    messages.map(async (message) => {
      const meta = await message.locator(".meta").textContent();
      return [meta?.split(" · ", 1)[0] ?? "", (await message.locator(".text").textContent()) ?? ""];
    }),
  );
}
