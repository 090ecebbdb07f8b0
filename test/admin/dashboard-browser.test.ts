// The dashboard in a real browser: open it, see a client appear, disconnect it, see it go; and what an operator meets on the way.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test, type TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { WebSocket } from "ws";
import { writeHello, writePub, writeSub } from "@hawser/wire/client";
import { freePort } from "../harness/free-port.js";
import { serve, type ServerProcess } from "../harness/server.js";
import { launch } from "../interop/peers/chromium.js";
import { need } from "../interop/harness/system.js";

const chromium = await need("chromium");
const CHOSEN = "the-token-of-this-test";

interface Started {
  readonly server: ServerProcess;
  /** Of the dashboard, without the token. */
  readonly url: string;
  readonly token: string;
  readonly client: (path: string) => Promise<WebSocket>;
}

/** In the page: what sticks out of the window, of the table's card, or of its own cell. Ids and rooms may be as long as they like. */
const CUT = `(() => {
  const card = document.querySelector(".table-card");
  const { left, right } = card.getBoundingClientRect();
  const isOut = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && (box.left < left || box.right > right);
  };
  const cut = [];
  if (document.documentElement.scrollWidth > innerWidth) cut.push("the page");
  if (card.scrollWidth > card.clientWidth) cut.push("the card");
  for (const button of document.querySelectorAll("#rows button")) if (isOut(button)) cut.push(button.textContent);
  for (const cell of document.querySelectorAll("#table th, #table td.number, #table td.actions"))
    if (cell.checkVisibility({ visibilityProperty: true }) && cell.offsetWidth > 1 && cell.scrollWidth > cell.clientWidth)
      cut.push(cell.className + ": " + cell.textContent);
  return cut;
})()`;

describe("the dashboard in Chromium", { skip: chromium.missing }, () => {
  let browser: Browser;
  before(async () => void (browser = await launch(chromium.path)));
  after(() => browser.close());

  async function start(t: TestContext, args: string[] = [], env: Record<string, string> = {}): Promise<Started> {
    const server = await serve(["--admin-port", "0", ...args], { env });
    const sockets: WebSocket[] = [];
    t.after(async () => {
      for (const socket of sockets) socket.terminate();
      await server.stop();
    });
    const { url, token = env["HAWSER_ADMIN_TOKEN"] } = await server.waitForEvent("admin-listening");
    return {
      server,
      url: String(url),
      token: String(token),
      async client(path) {
        const socket = new WebSocket(server.url + path);
        socket.on("error", () => {});
        sockets.push(socket);
        await once(socket, "open");
        return socket;
      },
    };
  }

  async function open(t: TestContext, url: string, options: BrowserContextOptions = {}): Promise<[Page, string[]]> {
    const complaints: string[] = [];
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    t.after(() => page.close());
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(url);
    await page.locator("#feed[data-state=open]").waitFor();
    return [page, complaints];
  }

  test("a client appears, is disconnected, and goes", async (t) => {
    const { url, token, client, server } = await start(t);
    const [page, complaints] = await open(t, `${url}#token=${token}`);
    // The token does not stay in the address bar.
    assert.equal(page.url(), url);
    await page.getByText("No client is connected.").waitFor();
    assert.match((await page.locator("#empty a").getAttribute("href")) ?? "", /^http:\/\/localhost:\d+\/lobby$/);
    await page.getByText("Takes new clients").waitFor();

    const socket = await client("lobby");
    const { id = "" } = await server.waitForEvent("connect");
    const row = page.getByRole("row").filter({ hasText: id });
    await row.waitFor();
    assert.match((await row.textContent()) ?? "", /127\.0\.0\.1\/lobby/);
    await page.getByText("Lock actions").waitFor();

    const heard = once(socket, "message");
    await row.getByRole("button", { name: "Send" }).click();
    await page.getByText("Enter sends, Shift+Enter begins a new line").waitFor();
    await page.getByRole("dialog").getByLabel("Text").fill("good");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("evening");
    await page.keyboard.press("Enter");
    assert.equal(String(((await heard) as [Buffer])[0]), "good\nevening");
    await page.getByText(`${id}: Sent.`).waitFor();

    const closed = once(socket, "close");
    await row.getByRole("button", { name: "Disconnect" }).click();
    const dialog = page.getByRole("dialog");
    assert.match((await dialog.textContent()) ?? "", new RegExp(`${id} from 127\\.0\\.0\\.1`));
    await dialog.getByRole("button", { name: "Disconnect" }).click();
    assert.equal(((await closed) as [number])[0], 1008);
    await row.waitFor({ state: "detached" });
    await page.getByText("No client is connected.").waitFor();
    // What happened is in the log; what was said is nowhere.
    await page.locator("#log").getByText("admin-action").first().waitFor();
    assert.doesNotMatch(await page.content(), /good\s+evening/);
    assert.deepEqual(complaints, []);
  });

  test("without the token one can look; for an action the page asks for it", async (t) => {
    const { url, token, client, server } = await start(t);
    await client("lobby");
    const [page] = await open(t, url);
    const { id = "" } = await server.waitForEvent("connect");
    const row = page.getByRole("row").filter({ hasText: id });
    await row.getByRole("button", { name: "Disconnect" }).click();
    const field = page.getByLabel("Token", { exact: true });
    await field.fill("not the token");
    await page.keyboard.press("Enter");
    await page.getByText("That is not the token.").waitFor();
    await field.fill(token);
    await page.keyboard.press("Enter");
    // Then it goes on with what was wanted; Esc takes that back.
    await page.getByText("Disconnect this client?").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Disconnect this client?").waitFor({ state: "hidden" });
    assert.equal(await row.count(), 1);
    await page.reload();
    await page.getByText("Lock actions").waitFor();
  });

  test("under a name that is not this machine's, the page shows nothing before it has the token", async (t) => {
    const { url, token, client } = await start(t, ["--admin-allowed-host", "ops.test"]);
    await client("lobby");
    const [page] = await open(t, url.replace("127.0.0.1", "ops.test"));
    await page.getByText("the dashboard needs the admin token").waitFor();
    assert.equal(await page.locator("#rows tr").count(), 0);
    assert.equal(await page.locator("#charts canvas").count(), 0);
    assert.equal(await page.locator("section:visible").count(), 0);
    await page.getByLabel("Token", { exact: true }).fill(token);
    await page.keyboard.press("Enter");
    await page.locator("#rows tr").waitFor();
    await page.getByText("the dashboard needs the admin token").waitFor({ state: "hidden" });
    // A page that has its own name resolve to this machine gets not even the page.
    const response = await page.goto(url.replace("127.0.0.1", "evil.test"));
    assert.equal(response?.status(), 421);
  });

  test("a token that was chosen is asked for once in a tab, however long that takes", async (t) => {
    const { url, server, client } = await start(t, [], { HAWSER_ADMIN_TOKEN: CHOSEN });
    await client("lobby");
    const [page, complaints] = await open(t, url);
    const field = page.getByLabel("Token", { exact: true });
    await field.waitFor();
    assert.equal(await page.locator("#rows tr").count(), 0);
    // The listener does not wait for it, and the page does not ask again and again.
    await page.getByText("Waiting for the token").waitFor();
    for (const wrong of ["wrong-but-possible", "no subprotocol at all"]) {
      await field.fill(wrong);
      await page.keyboard.press("Enter");
      await page.getByText("That is not the token.").waitFor();
    }
    await field.fill(CHOSEN);
    await page.keyboard.press("Enter");
    await page.locator("#rows tr").waitFor();
    await page.reload();
    await page.locator("#rows tr").waitFor();
    await page.getByText("Lock actions").waitFor();
    assert.deepEqual(
      complaints.filter((text) => !/WebSocket connection to .* failed/.test(text)),
      [],
    );
    // It is in no address and in no line.
    assert.equal(page.url(), url);
    await server.stop();
    assert.ok(!JSON.stringify(server.lines).includes(CHOSEN));
  });

  test("a page with the token gets in, however many without it are there", async (t) => {
    const { url, token } = await start(t);
    const live = `${url.replace("http", "ws")}live`;
    const crowd = Array.from({ length: 60 }, () => new WebSocket(live).on("error", () => {}));
    t.after(() => crowd.forEach((socket) => socket.terminate()));
    const decided = (socket: WebSocket): Promise<void> =>
      new Promise((resolve) => socket.once("open", resolve).once("close", () => resolve()));
    await Promise.all(crowd.map(decided));
    const [page] = await open(t, `${url}#token=${token}`);
    await page.getByText("Lock actions").waitFor();
  });

  test("a page whose token is an old one says so, and shows what can be seen without", async (t) => {
    const first = await serve(["--admin-port", "0"]);
    const { port, url, token } = await first.waitForEvent("admin-listening");
    const [page] = await open(t, `${String(url)}#token=${String(token)}`);
    await page.getByText("Lock actions").waitFor();
    await first.stop();
    const second = await serve(["--admin-port", String(port)]);
    t.after(() => second.stop());
    await page.getByText("The token was not taken. That is not the token.").waitFor();
    await page.locator("#feed[data-state=open]").waitFor();
    await page.getByText("Takes new clients").waitFor();
    await page.getByText("Unlock actions").waitFor();
  });

  test("what strangers have written is text, wherever it stands", async (t) => {
    const { url, client } = await start(t);
    const evil = `<img src=x onerror="document.title='owned'">`;
    const path = encodeURI(evil);
    await client(path);
    const gone = await client(path);
    gone.close(1000, `<script>document.title="owned"</script>`);
    await once(gone, "close");
    const [page] = await open(t, url);
    await page.locator("#rows").getByText(evil).first().waitFor();
    await page.locator("#topics-rows").getByText(evil).first().waitFor();
    await page.locator("#log").getByText(`<script>document.title="owned"</script>`).first().waitFor();
    // Turned around it would read as another room.
    await client(encodeURI("a\u202ebc"));
    await page.locator("#rows").getByText("a\\u202ebc").waitFor();
    await page.locator("#topics-rows").getByText("a\\u202ebc").waitFor();
    assert.doesNotMatch(await page.locator("#main").innerText(), /\u202e/);
    await page.getByRole("searchbox", { name: "Search clients" }).fill(`<b>${evil}</b>`);
    await page.getByText("None of 2 clients matches").waitFor();
    assert.equal(await page.locator("#main img, #main script, #main b b").count(), 0);
    assert.doesNotMatch(await page.title(), /owned/);
  });

  test("topics: what is in them, who is there, and names that strangers have chosen", async (t) => {
    const { url, server } = await start(t, ["--presence"]);
    const evil = `<img src=x onerror="document.title='owned'">`;
    const socket = new WebSocket(server.url, "hawser.v1");
    t.after(() => socket.terminate());
    await once(socket, "open");
    const names = [evil, "a\u202eb\u2066c", ...Array.from({ length: 90 }, (_, n) => `room ${n}`)];
    socket.send(writeHello(1, undefined, [["busy"]]));
    for (const [index, name] of names.entries()) socket.send(writeSub(name, index + 100));
    for (let n = 0; n < 3; n++) socket.send(writePub("busy", n, n + 10));
    const [page, complaints] = await open(t, url);
    await page.locator("#engine[data-state=up]").getByText("Engine up").waitFor();
    const rows = page.locator("#topics-rows tr");
    await page.locator("#topics-found", { hasText: /^93$/ }).waitFor();
    assert.equal(await rows.count(), 50);
    await page.locator("#topics-page-text", { hasText: "Page 1 of 2" }).waitFor();
    await page.locator("#topics-next").click();
    await page.locator("#topics-page-text", { hasText: "Page 2 of 2" }).waitFor();
    await page.locator("#topics-heads").getByRole("button", { name: "Messages" }).click();
    await page.locator("#topics-heads [aria-sort=descending]", { hasText: "Messages" }).waitFor();
    await rows.first().getByText("busy").waitFor();
    assert.match((await rows.first().textContent()) ?? "", /^busy13.*3.*live1 member$/);

    await page.locator("#topics-search").fill("IMG");
    await page.locator("#topics-found", { hasText: "1 of 93" }).waitFor();
    await rows.first().getByText(evil).waitFor();
    await rows.first().getByRole("button").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("1 member, on all nodes").waitFor();
    await dialog.getByText(evil).waitFor();
    assert.equal(await dialog.locator("li").count(), 1);
    await page.keyboard.press("Escape");
    await page.locator("#topics-search").fill("b");
    await rows.getByText("a\\u202eb\\u2066c").waitFor();
    assert.doesNotMatch(await page.locator("#main").innerText(), /[\u202e\u2066]/);
    await page.locator("#topics-search").fill("nothing like it");
    await page.getByText("None of 93 topics matches").waitFor();

    // The rooms of the server's own are none: topics stand for them. A client's topics are in its row.
    assert.equal(await page.locator("#rooms-section").isVisible(), false);
    await page.locator("#rows").getByText("busy").first().waitFor();
    await page.locator("#nodes-rows tr").getByText("(this one)").waitFor();
    assert.equal(await page.locator("#main img, #main script").count(), 0);
    assert.doesNotMatch(await page.title(), /owned/);
    for (const width of [1440, 993, 992, 360]) {
      await page.setViewportSize({ width, height: 900 });
      const fits = async (): Promise<boolean> =>
        (await page.evaluate<number>("document.documentElement.scrollWidth")) <= width;
      // The charts follow the window a frame later.
      for (let tries = 0; tries < 100 && !(await fits()); tries++) await page.waitForTimeout(50);
      assert.ok(await fits(), `at ${width} px`);
    }
    assert.deepEqual(complaints, []);
  });

  test("without a hub it has nothing of one", async (t) => {
    const { url, client } = await start(t, ["--echo"]);
    await client("lobby");
    const [page] = await open(t, url);
    await page.locator("#rows tr").waitFor();
    for (const part of ["hub", "topics", "nodes"]) {
      assert.equal(await page.locator(`#${part}-section`).isVisible(), false, part);
    }
    assert.equal(await page.locator("#rooms-section").isVisible(), true);
  });

  test("search, sorting and pages by keyboard", async (t) => {
    const { url, client, server } = await start(t);
    for (let i = 0; i < 60; i++) await client(i === 7 ? "needle" : "hay");
    const [page] = await open(t, url);
    await page.getByText("Page 1 of 2").waitFor();
    assert.equal(await page.locator("#rows tr").count(), 50);
    await page.getByRole("button", { name: "Next" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Page 2 of 2").waitFor();
    await page.locator("#rows tr").nth(9).waitFor();
    assert.equal(await page.locator("#rows tr").count(), 10);

    await page.keyboard.press("/");
    await page.keyboard.type("NEEDLE");
    await page.getByText("1 of 60").waitFor();
    assert.equal(await page.locator("#rows tr").count(), 1);
    const needle = server.lines.find((line) => line["path"] === "/needle");
    assert.equal(await page.locator("#rows tr").getAttribute("data-id"), needle?.id);

    await page.locator("#heads button", { hasText: /^Age$/ }).focus();
    await page.keyboard.press("Space");
    await page.locator('#heads [aria-sort="descending"]').waitFor();
    // Each button of a row says whose it is, to those who hear it.
    assert.equal(await page.getByRole("button", { name: `Disconnect ${String(needle?.id)}` }).count(), 1);
  });

  test("the table is one stop of the Tab key, and the arrow keys move in it", async (t) => {
    const { url, client } = await start(t);
    for (let i = 0; i < 60; i++) await client("lobby");
    const [page, complaints] = await open(t, url);
    await page.getByText("Page 1 of 2").waitFor();
    await page.getByRole("searchbox", { name: "Search clients" }).focus();
    const focused = async (): Promise<string> =>
      String(
        await page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"),
      );
    const press = async (...keys: string[]): Promise<string> => {
      for (const key of keys) await page.keyboard.press(key);
      return focused();
    };
    const ids = await page.evaluate<string[]>(
      "[...document.querySelectorAll('#rows tr')].map((row) => row.dataset.id)",
    );
    assert.equal(ids.length, 50);
    assert.equal(await press("Tab"), `Send ${ids[0]}`);
    assert.equal(await press("Tab"), "Next", "past the table in one step");
    assert.equal(await press("Shift+Tab"), `Send ${ids[0]}`);
    assert.equal(await press("ArrowRight", "ArrowRight"), `Disconnect ${ids[0]}`);
    assert.equal(await press("ArrowDown", "ArrowDown"), `Disconnect ${ids[2]}`);
    assert.equal(await press("PageDown"), `Disconnect ${ids[12]}`);
    assert.equal(await press("End"), `Disconnect ${ids[49]}`);
    assert.equal(await press("ArrowDown", "ArrowLeft", "ArrowLeft"), `Send ${ids[49]}`);
    // Where one left is where one comes back to.
    assert.equal(await press("Tab", "Shift+Tab"), `Send ${ids[49]}`);
    assert.equal(await press("Home"), "Id");
    assert.equal(await press("ArrowRight", "ArrowRight", "ArrowRight"), "Age");
    await page.getByText("Arrow keys move in the table, Tab leaves it").waitFor();
    const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    assert.equal(outline, "solid");
    await page.keyboard.press("Enter");
    await page.locator('#heads [aria-sort="descending"]').waitFor();
    assert.equal(await focused(), "Age");
    // The row that it was on is gone with the next page: there is a stop all the same.
    assert.match(await press("ArrowDown"), /^Disconnect /);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("Page 2 of 2").waitFor();
    await page.getByRole("searchbox", { name: "Search clients" }).focus();
    assert.match(await press("Tab"), /^(Send|Disconnect) /);
    assert.equal(await page.locator("#table button[tabindex='0']").count(), 1);
    assert.deepEqual(complaints, []);
  });

  test("however wide the window is, the table fits, with its actions", async (t) => {
    const { url, client } = await start(t);
    for (let i = 0; i < 200; i++) await client(`a-room-with-quite-a-long-name/that-goes-on-and-on/${i % 7}`);
    const [page] = await open(t, url);
    await page.locator("#rows tr").nth(49).waitFor();
    for (const width of [1600, 1440, 1408, 1280, 1024, 993, 992, 768, 737, 390, 360]) {
      await page.setViewportSize({ width, height: 900 });
      // The charts follow the window a frame later.
      await page.waitForFunction(`${CUT}.length === 0`).catch(() => {});
      assert.deepEqual(await page.evaluate(CUT), [], `at ${width} px`);
    }
  });

  test("it comes back when the server does, and says what it is doing meanwhile", async (t) => {
    const port = await freePort();
    const first = await serve(["--admin-port", String(port)]);
    const { url } = await first.waitForEvent("admin-listening");
    const [page, complaints] = await open(t, String(url));
    await first.stop();
    await page.getByText("Connection lost, trying again").waitFor();
    const second = await serve(["--admin-port", String(port)]);
    t.after(() => second.stop());
    await page.locator("#feed[data-state=open]").waitFor();
    await page.getByText("Takes new clients").waitFor();
    assert.deepEqual(
      complaints.filter((text) => !/WebSocket connection to .* failed/.test(text)),
      [],
    );
  });

  test("charts are drawn, and in both colours", async (t) => {
    const { url, client } = await start(t, ["--ping-period-ms", "100", "--pong-wait-ms", "5000"]);
    await client("lobby");
    const [page] = await open(t, url, { colorScheme: "dark" });
    await page.locator("#charts canvas").nth(5).waitFor();
    assert.equal(await page.locator("#charts canvas").count(), 6);
    await page.getByLabel("Connections").locator(".value", { hasText: /^1$/ }).waitFor();
    await page.getByLabel("Round-trip").locator(".value", { hasText: "ms" }).first().waitFor();
    const ground = (): Promise<string> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await ground();
    await page.getByLabel("Colours").selectOption("light");
    assert.notEqual(await ground(), dark);
    await page.reload();
    assert.notEqual(await ground(), dark, "the choice stays");
  });

  test("on a phone everything is there and nothing sticks out", async (t) => {
    const { url, token, client } = await start(t);
    await client("a/room/with/quite/a/long/name/that/does/not/fit/into/one/line/of/a/phone");
    const [page, complaints] = await open(t, `${url}#token=${token}`, {
      viewport: { width: 360, height: 740 },
      hasTouch: true,
    });
    await page.locator("#rows tr").waitFor();
    await page.locator("#topics-rows tr").waitFor();
    await page.locator("#nodes-rows tr").waitFor();
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assert.equal(width, 360);
    for (const name of ["Send", "Disconnect"]) {
      const box = await page.locator("#rows").getByRole("button", { name }).boundingBox();
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 360 && box.height >= 32, name);
    }
    assert.deepEqual(complaints, []);
  });
});
