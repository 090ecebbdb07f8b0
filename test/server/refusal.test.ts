import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { Refuse, refusals, UsageError } from "#hawser/index.js";
import { headerLines } from "#hawser/server/api/headers.js";
import { refusal } from "#hawser/server/api/refusal.js";

test("a refusal for load says when to come back, a little different each time", () => {
  const seconds = new Set<number>();
  for (const [reason, { status, retry }] of Object.entries(refusals)) {
    for (let i = 0; i < 50; i++) {
      const made = refusal(reason as keyof typeof refusals);
      assert.equal(made.status, status);
      const after = made.headers["Retry-After"];
      assert.equal(after !== undefined, retry, reason);
      if (after !== undefined) seconds.add(Number(after));
    }
  }
  assert.ok([...seconds].every((wait) => Number.isInteger(wait) && wait >= 1 && wait <= 60));
  assert.ok(seconds.size > 2, "they would all come back at once");
});

test("whatever is refused for load has Retry-After, whatever is not has not", () => {
  for (const { status, retry } of Object.values(refusals)) assert.equal(retry, status === 503 || status === 429);
});

test("Refuse takes statuses of refusal alone", () => {
  assert.equal(new Refuse(401).message, "Unauthorized");
  assert.equal(new Refuse(499).message, "Refused");
  assert.equal(new Refuse(403, "not you").message, "not you");
  for (const status of [400, 599]) assert.equal(new Refuse(status, "no").status, status);
  for (const status of [0, 101, 200, 302, 399, 600, 404.5, Number.NaN])
    assert.throws(() => new Refuse(status), RangeError);
});

test("Refuse takes no header that would write others", () => {
  assert.throws(() => new Refuse(401, "no", { "WWW-Authenticate": "Basic\r\nSet-Cookie: a=b" }));
  assert.throws(() => new Refuse(401, "no", { "Bad\r\nName": "x" }));
  assert.throws(() => new Refuse(401, "no", { "": "x" }));
  assert.throws(() => new Refuse(401, "no", { "X-Emoji": "🙂" }));
  assert.throws(
    () => new Refuse(401, "no", { "X-A": ["fine", "a\nb"] }),
    new UsageError('Refuse: the header "X-A" has a value that no header can have'),
  );
  assert.throws(() => new Refuse(401, "no", { "X-A": undefined as unknown as string }), UsageError);
});

test("Refuse takes no header that says where the response ends or whose the connection is", () => {
  const names =
    "content-length Content-Length TRANSFER-ENCODING connection Upgrade Trailer sec-websocket-accept Sec-WebSocket-X";
  for (const name of names.split(" ")) {
    const error = new UsageError(`Refuse: the header ${JSON.stringify(name)} is set by the server itself`);
    assert.throws(() => new Refuse(401, "no", { [name]: "x" }), error);
    assert.throws(() => new Refuse(401, "no", { [name]: [] }), error);
  }
});

test("Refuse keeps a copy: what is sent is what was looked at", () => {
  const values = ["a=1"];
  const headers: Record<string, string | string[]> = { "Set-Cookie": values, "X-A": "1" };
  const refuse = new Refuse(401, "no", headers);
  values.push("b\r\nX: y");
  headers["Content-Length"] = "1";
  assert.deepEqual(refuse.headers, { "Set-Cookie": ["a=1"], "X-A": "1" });
  assert.ok(Object.isFrozen(refuse.headers) && Object.isFrozen(refuse.headers["Set-Cookie"]));
});

test("Refuse takes headers as whatever has pairs", () => {
  const headers = new Headers({ "WWW-Authenticate": "Bearer" });
  headers.append("Set-Cookie", "a=1");
  headers.append("Set-Cookie", "b=2");
  assert.deepEqual(new Refuse(401, "no", headers).headers, {
    "set-cookie": ["a=1", "b=2"],
    "www-authenticate": "Bearer",
  });
  assert.deepEqual(new Refuse(401, "no", new Map([["X-A", ["1", "2"]]])).headers, { "X-A": ["1", "2"] });
  const pairs: [string, string][] = [
    ["X-A", "1"],
    ["x-a", "2"],
    ["Retry-After", "5"],
  ];
  assert.deepEqual(new Refuse(401, "no", pairs).headers, { "X-A": ["1", "2"], "Retry-After": "5" });
  assert.deepEqual(new Refuse(401, "no", []).headers, {});
  assert.deepEqual(new Refuse(401, "no", runInNewContext("({})") as object as {}).headers, {});
  assert.throws(
    () => new Refuse(401, "no", new Headers({ "Content-Length": "1" })),
    new UsageError('Refuse: the header "content-length" is set by the server itself'),
  );
});

test("Refuse takes nothing whose headers it would not see", () => {
  class Hidden {
    readonly #headers = { "X-A": "1" };
    get headers(): object {
      return this.#headers;
    }
  }
  const nothing: unknown[] = [new Hidden(), "X-A: 1", 5, null, () => {}, ["X-A: 1"], [[1, "x"]], new Set(["X-A"])];
  for (const headers of nothing)
    assert.throws(
      () => new Refuse(401, "no", headers as Record<string, string>),
      /^UsageError: Refuse: headers takes /,
    );
});

test("of two names that differ in case alone, the later one is sent", () => {
  assert.deepEqual(
    headerLines({ "Content-Type": "text/plain", "X-A": "1" }, { "content-type": "a/b", "x-a": ["2", "3"] }),
    ["content-type: a/b", "x-a: 2", "x-a: 3"],
  );
});
