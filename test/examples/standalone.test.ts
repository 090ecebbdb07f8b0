import assert from "node:assert/strict";
import { test } from "node:test";
import { startExample } from "./harness/example.js";

test("chat: what a client sends goes to everyone else", async (t) => {
  const example = await startExample("chat", t);
  const [ada, grace] = [await example.connect(), await example.connect()];
  ada.send("from Ada");
  grace.send("from Grace");
  assert.equal(await grace.next(), "from Ada");
  assert.equal(await ada.next(), "from Grace");

  const exitCode = example.stop();
  assert.equal((await ada.closed)[0], 1001);
  assert.equal((await grace.closed)[0], 1001);
  assert.equal(await exitCode, 0);
});

test("authenticate: by cookie or by query, and 401 without either", async (t) => {
  const example = await startExample("authenticate", t);
  const ada = await example.connect("/", { headers: { Cookie: "theme=dark; session=token-of-ada" } });
  assert.equal(await ada.next(), "Welcome, Ada");
  const grace = await example.connect("/?token=token-of-grace");
  assert.equal(await grace.next(), "Welcome, Grace");

  assert.equal(await example.refusal("/"), 401);
  assert.equal(await example.refusal("/?token=wrong"), 401);
  assert.equal(await example.refusal("/", { Cookie: "session=wrong" }), 401);
  assert.equal(
    await example.refusal("/", { Cookie: "session=token-of-ada", Origin: "https://elsewhere.example" }),
    403,
  );

  const exitCode = example.stop();
  assert.equal((await ada.closed)[0], 1001);
  assert.equal(await exitCode, 0);
  assert.doesNotMatch(example.lines.join("\n"), /token-of/, "a token stands in the log");
});

for (const name of ["from-ws/before", "from-ws/after"]) {
  test(`${name}: the same chat`, async (t) => {
    const example = await startExample(name, t);
    const ada = await example.connect("/?name=Ada");
    const grace = await example.connect("/?name=Grace");
    ada.send("hello");
    assert.equal(await grace.next(), "Ada: hello");
    grace.send("good morning");
    assert.equal(await ada.next(), "Grace: good morning");

    assert.equal(await example.refusal("/", { Origin: "https://elsewhere.example" }), 403);
    const own = await example.connect("/", { headers: { Origin: `http://127.0.0.1:${example.port}` } });
    own.socket.send(Buffer.from("binary"));
    assert.equal((await own.closed)[0], 1003);

    const large = await example.connect();
    large.send("x".repeat(512 * 1024 + 1));
    assert.equal((await large.closed)[0], 1009);

    const exitCode = example.stop();
    const [code, reason] = await ada.closed;
    assert.equal(code, 1001);
    assert.equal(reason.toString(), "server shutting down");
    assert.equal((await grace.closed)[0], 1001);
    assert.equal(await exitCode, 0);
  });
}
