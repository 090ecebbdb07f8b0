// Who may ask the admin listener: names, origins, methods, and the token.

import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { Access } from "#admin/access.js";
import { createAdmin } from "#admin/index.js";
import { createServer, OptionError, UsageError } from "#hawser/index.js";
import { startAdmin } from "./harness/rig.js";

const HOSTS: [host: string, isTaken: boolean][] = [
  ["localhost", true],
  ["LOCALHOST", true],
  ["127.0.0.1", true],
  ["[::1]", true],
  ["admin.example.com", true],
  ["evil.example", false],
  ["localhost.evil.example", false],
  ["127.0.0.1.evil.example", false],
  ["192.0.2.1", false],
  ["0.0.0.0", false],
  ["localhost@evil.example", false],
  [" ", false],
];

test("every path is answered under our own names alone, with and without a port", async (t) => {
  const { ask, handshake, port, log } = await startAdmin(t, { allowedHosts: ["admin.example.com"] });
  for (const [name, isTaken] of HOSTS) {
    for (const host of [name, `${name}:${port}`]) {
      for (const path of ["/", "/metrics", "/healthz", "/main.js", "/nothing"]) {
        const { status, body } = await ask(path, { host });
        assert.equal(status !== 421, isTaken, `${path} for Host ${host}: ${status}`);
        if (!isTaken) assert.doesNotMatch(body, /hawser_|<html/);
      }
      assert.equal((await handshake({ host })) === 101, isTaken, `the feed for Host ${host}`);
    }
  }
  const [line] = log.of("admin-refused");
  assert.deepEqual(
    [line?.level, line?.["address"], line?.["path"], line?.["status"], line?.["reason"]],
    ["warn", "127.0.0.1", "/", 421, "host"],
  );
});

test("what comes from a page has to come from ours", async (t) => {
  const { ask, handshake, port, log } = await startAdmin(t, { allowedHosts: ["ops.example"] });
  const host = `localhost:${port}`;
  assert.equal(await handshake({ host: "ops.example", origin: "https://ops.example" }), 101);
  assert.equal((await ask("/metrics", { host, origin: `http://${host}` })).status, 200);
  assert.equal(await handshake({ host, origin: `http://${host}` }), 101);
  for (const origin of [
    "http://evil.example",
    `http://localhost:${port + 1}`,
    "http://localhost",
    "null",
    "file://",
    `ftp://${host}`,
  ]) {
    for (const path of ["/", "/metrics", "/healthz"])
      assert.equal((await ask(path, { host, origin })).status, 403, origin);
    assert.equal(await handshake({ host, origin }), 403, origin);
  }
  assert.deepEqual(new Set(log.of("admin-refused").map(({ reason }) => reason)), new Set(["origin"]));
  // DNS rebinding: the page's own name leads to us.
  const rebound = `evil.example:${port}`;
  assert.equal((await ask("/metrics", { host: rebound, origin: `http://${rebound}` })).status, 421);
  assert.equal(await handshake({ host: rebound, origin: `http://${rebound}` }), 421);
});

test("lines about refused requests are few, however many there are", async (t) => {
  const { ask, log } = await startAdmin(t);
  for (let i = 0; i < 30; i++) await ask("/", { host: "evil.example" });
  assert.equal(log.of("admin-refused").length, 10);
});

test("GET and HEAD, and nothing else", async (t) => {
  const { ask } = await startAdmin(t);
  for (const path of ["/", "/metrics", "/healthz", "/readyz", "/style.css"]) {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const { status, headers } = await ask(path, {}, method);
      assert.deepEqual([status, headers.allow], [405, "GET, HEAD"], `${method} ${path}`);
    }
    assert.equal((await ask(path, {}, "HEAD")).body, "");
  }
  assert.equal((await ask("/nothing")).status, 404);
  assert.equal((await ask("/../package.json")).status, 404);
  assert.equal((await ask("/live")).status, 426);
});

test("no page of another site can frame it, and it runs its own scripts alone", async (t) => {
  const { ask } = await startAdmin(t);
  const { headers } = await ask("/");
  assert.equal(
    headers["content-security-policy"],
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assert.equal(headers["x-frame-options"], "DENY");
  for (const path of ["/", "/main.js", "/metrics", "/nothing"]) {
    const { headers: each } = await ask(path);
    assert.equal(each["x-content-type-options"], "nosniff", path);
    assert.equal(each["cross-origin-resource-policy"], "same-origin", path);
  }
});

describe("places at the feed", () => {
  test("those without the token have a few, and who has it gets in however many there are", async (t) => {
    const { handshake, admin, log } = await startAdmin(t, { token: "what-somebody-chose" });
    const statuses: number[] = [];
    for (let i = 0; i < 40; i++) statuses.push(await handshake({}));
    assert.deepEqual(statuses, [...times(8, 101), ...times(32, 503)]);
    assert.equal(log.of("admin-refused")[0]?.["reason"], "places");
    for (let i = 0; i < 32; i++) assert.equal(await handshake({ authorization: `Bearer ${admin.token}` }), 101);
    assert.equal(await handshake({ authorization: `Bearer ${admin.token}` }), 503, "32 dashboards are enough");
  });

  test("those who may read without it have places of their own", async (t) => {
    const { handshake, admin } = await startAdmin(t);
    const remote = { "x-forwarded-for": "192.0.2.7" };
    for (let i = 0; i < 8; i++) assert.equal(await handshake(remote), 101);
    assert.equal(await handshake(remote), 503);
    for (let i = 0; i < 32; i++) assert.equal(await handshake({}), 101);
    assert.equal(await handshake({}), 503);
    assert.equal(await handshake({ authorization: `Bearer ${admin.token}` }), 101);
  });

  test("a stranger has ten seconds to show it, and little to say", async (t) => {
    const { dashboard, admin, clock, handshake } = await startAdmin(t, { token: "what-somebody-chose" });
    const [idle, talker, operator] = [await dashboard(), await dashboard(), await dashboard()];
    operator.send({ type: "authorize", token: admin.token });
    await operator.next("hello");
    talker.send({ type: "authorize", token: "x".repeat(2000) });
    assert.deepEqual(await talker.closed(), [1008, "not a request"]);
    const ended = idle.closed();
    clock.advance(9000);
    assert.equal(idle.socket.readyState, idle.socket.OPEN);
    clock.advance(1000);
    assert.deepEqual(await ended, [1008, "no token in time"]);
    assert.equal(operator.socket.readyState, operator.socket.OPEN);
    // Their places are free again.
    assert.equal(await handshake({}), 101);
  });
});

describe("the token", () => {
  test("reading is free on this machine, and is not through a proxy or under another name", async (t) => {
    const { ask, admin } = await startAdmin(t, { allowedHosts: ["admin.example.com"] });
    assert.equal((await ask("/metrics")).status, 200);
    const others: Record<string, string>[] = [
      { host: "admin.example.com" },
      { "x-forwarded-for": "192.0.2.7" },
      { forwarded: "for=192.0.2.7" },
      { via: "1.1 proxy" },
    ];
    for (const headers of others) {
      const refused = await ask("/metrics", headers);
      assert.deepEqual([refused.status, refused.headers["www-authenticate"]], [401, 'Bearer realm="hawser admin"']);
      assert.doesNotMatch(refused.body, /hawser_/);
      assert.equal((await ask("/metrics", { ...headers, authorization: `Bearer ${admin.token}` })).status, 200);
      assert.equal((await ask("/metrics", { ...headers, authorization: "Bearer wrong" })).status, 401);
      // The probes and the page, which holds nothing of the server's, need none.
      for (const path of ["/healthz", "/readyz", "/", "/main.js"]) assert.equal((await ask(path, headers)).status, 200);
    }
  });

  test("a listener that others can reach lets nobody read without it, whatever they write into Host", () => {
    const request = (host: string): IncomingMessage =>
      ({ headers: { host }, socket: { localAddress: "192.0.2.1" } }) as unknown as IncomingMessage;
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "db.example.com"]) {
      const access = new Access([], false);
      access.listensOn(host);
      assert.equal(access.mayRead(request("localhost:9000")), false, host);
      // Who asks for the very address they reached is nobody's victim: a probe of Kubernetes, say.
      assert.equal(access.refuse(request("192.0.2.1:9000")), null);
      assert.equal(access.refuse(request("evil.example"))?.status, 421);
    }
    const local = new Access([], false);
    local.listensOn("127.0.0.1");
    assert.equal(local.mayRead(request("localhost:9000")), true);
  });

  test("the feed tells nothing before it, where it is needed", async (t) => {
    const { dashboard, admin, clock } = await startAdmin(t);
    const remote = await dashboard({ "x-forwarded-for": "192.0.2.7" });
    await remote.next("locked");
    remote.send({ type: "clients", request: 1, search: "", sort: "age", descending: false, page: 0 });
    await remote.next("locked");
    clock.advance(3000);
    remote.send({ type: "authorize", token: admin.token });
    // The very next that it is told: no sample has come before.
    assert.equal((await remote.next("authorized"))["ok"], true);
    assert.equal((await remote.next("hello"))["mayAct"], true);
    const bearer = await dashboard({ via: "1.1 proxy", authorization: `Bearer ${admin.token}` });
    assert.equal((await bearer.next("hello"))["mayAct"], true);
  });

  test("one that was given guards reading, from wherever", async (t) => {
    const { ask, handshake, dashboard, admin, port } = await startAdmin(t, { token: "what-somebody-chose" });
    const right = { authorization: `Bearer ${admin.token}` };
    // A plain nginx in front: it asks for a loopback name, from this machine, with no header that tells.
    for (const headers of [{}, { host: `localhost:${port}` }, { host: `127.0.0.1:${port}` }] as Record<
      string,
      string
    >[]) {
      assert.equal((await ask("/metrics", headers)).status, 401);
      assert.equal((await ask("/metrics", { ...headers, ...right })).status, 200);
      // What balancers and the page itself need.
      for (const path of ["/healthz", "/readyz", "/", "/main.js"]) assert.equal((await ask(path, headers)).status, 200);
    }
    const stranger = await dashboard();
    await stranger.next("locked");
    stranger.send({ type: "clients", request: 1, search: "", sort: "age", descending: false, page: 0 });
    await stranger.next("locked");
    assert.equal((await (await dashboard(right)).next("hello"))["mayAct"], true);
    assert.equal(await handshake({ authorization: "Bearer wrong" }), 401);
  });

  test("a page shows it with the handshake: a browser sets no other header", async (t) => {
    const { page, admin, log } = await startAdmin(t, { token: "what-somebody.chose~1" });
    assert.deepEqual(await page(admin.token), [101, "hawser.admin"]);
    assert.deepEqual(await page(admin.token, { authorization: "Bearer a-proxy-s-own" }), [101, "hawser.admin"]);
    assert.equal(log.of("admin-token-refused").length, 0);
    assert.deepEqual(await page("wrong"), [401, undefined]);
    assert.equal(log.of("admin-token-refused").length, 1);
  });

  for (const way of ["/metrics", "handshake", "page", "message"] as const) {
    test(`wrong ones are limited, and the right one is taken from the same address: ${way}`, async (t) => {
      const { ask, dashboard, handshake, page, admin, clock, log } = await startAdmin(t, {
        token: "what-somebody-chose",
      });
      const speaker = way === "message" ? await dashboard() : undefined;
      const ways = {
        "/metrics": async (token: string) => (await ask("/metrics", { authorization: `Bearer ${token}` })).status,
        handshake: (token: string) => handshake({ authorization: `Bearer ${token}` }),
        page: async (token: string) => (await page(token))[0],
        async message(token: string) {
          speaker?.send({ type: "authorize", token });
          const { ok, text } = await speaker!.next("authorized");
          return ok === true ? 101 : String(text).startsWith("Too many") ? 429 : 401;
        },
      };
      const statuses: number[] = [];
      for (let i = 0; i < 20; i++) statuses.push(await ways[way](`wrong-${i}`));
      assert.deepEqual(statuses, [...times(10, 401), ...times(10, 429)]);
      clock.advance(1000);
      assert.deepEqual([await ways[way]("wrong"), await ways[way]("wrong")], [401, 429]);
      assert.equal(await ways[way](admin.token), way === "/metrics" ? 200 : 101);
      assert.equal(log.of("admin-token-refused").length, 11);
      assert.doesNotMatch(JSON.stringify(log.lines), /wrong-/, "what was tried is not logged");
    });
  }

  test("on a way that was not tried yet wrong ones are limited as well: they are counted together", async (t) => {
    const { ask, handshake, dashboard } = await startAdmin(t, { token: "what-somebody-chose" });
    const one = await dashboard();
    for (let i = 0; i < 10; i++) await handshake({ authorization: "Bearer wrong" });
    const metrics = await ask("/metrics", { authorization: "Bearer wrong" });
    assert.deepEqual([metrics.status, metrics.headers["retry-after"]], [429, "10"]);
    one.send({ type: "authorize", token: "wrong" });
    assert.match(String((await one.next("authorized"))["text"]), /^Too many wrong tokens/);
    // What a proxy checks itself and hands on is no token of ours, right or wrong.
    assert.equal((await ask("/metrics", { authorization: "Basic dXNlcjpwYXNz" })).status, 401);
  });

  test("it is random, or as given; and one that is given is not logged", async (t) => {
    const one = await startAdmin(t);
    const two = await startAdmin(t);
    assert.match(one.admin.token, /^[\w-]{32}$/);
    assert.notEqual(one.admin.token, two.admin.token);
    assert.equal(one.log.of("admin-listening")[0]?.["token"], one.admin.token);
    const given = await startAdmin(t, { token: "what-somebody-chose" });
    assert.equal(given.admin.token, "what-somebody-chose");
    assert.doesNotMatch(JSON.stringify(given.log.lines), /what-somebody-chose/);
  });

  test("options that make no sense are refused, and the token is not in the message", () => {
    const server = createServer();
    assert.throws(
      () => createAdmin(server, { token: "short" }),
      (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.message, "token: takes 16 to 256 letters, digits and - . _ ~");
        return true;
      },
    );
    assert.throws(() => createAdmin(server, { allowedHosts: ["https://a.example/"] }), OptionError);
    assert.throws(() => createAdmin(server, { tokn: "x" } as object), /there is no option "tokn"/);
  });
});

function times(count: number, status: number): number[] {
  return Array.from({ length: count }, () => status);
}
