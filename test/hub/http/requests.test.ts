// Everything about a request that is not its operation: keys, methods, types, sizes, times, and what is wrong with a body.

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { describe, it } from "node:test";
import express from "express";
import { createServer } from "hawser";
import { hubHttp } from "#hawser/hub/http/hub-http.js";
import type { HubHttpOptions } from "#hawser/hub/http/options.js";
import { FakeHub } from "./harness/fake-hub.js";
import { KEY, type Rig, withRig } from "./harness/rig.js";

const BODY = { topic: "t", data: 1 };

describe("keys", () => {
  it("without one, with another kind, and with a wrong one: 401, and how to do it", async () => {
    await withRig(async ({ ask, hub, refusedFrom }) => {
      const challenge = async (key: string | null, headers?: Record<string, string>): Promise<unknown> => {
        const {
          status,
          headers: answered,
          body,
        } = await ask("publish", { body: BODY, key, ...(headers && { headers }) });
        assert.deepEqual([status, body["code"]], [401, "unauthorized"]);
        return answered["www-authenticate"];
      };
      assert.equal(await challenge(null), 'Bearer realm="hawser hub"');
      assert.equal(await challenge(null, { Authorization: "Basic YTpi" }), 'Bearer realm="hawser hub"');
      assert.equal(await challenge(""), 'Bearer realm="hawser hub"');
      assert.deepEqual(refusedFrom, []);
      assert.equal(await challenge(`${KEY}x`), 'Bearer realm="hawser hub", error="invalid_token"');
      assert.equal(await challenge(KEY.slice(1)), 'Bearer realm="hawser hub", error="invalid_token"');
      assert.deepEqual(refusedFrom, ["127.0.0.1", "127.0.0.1"]);
      assert.deepEqual(hub.calls, []);
      assert.equal(
        (await ask("publish", { body: BODY, key: null, headers: { Authorization: `bearer  ${KEY}` } })).status,
        200,
      );
    });
  });

  it("several, for rotation; and some that are for some operations alone", async () => {
    const next = "the-next-key-of-the-rotation-222";
    const reader = { key: "reader-reader-reader", may: ["history", "count"] as const };
    await withRig(
      async ({ ask }) => {
        for (const key of [KEY, next]) assert.equal((await ask("publish", { body: BODY, key })).status, 200);
        assert.equal((await ask("history", { body: { topic: "t" }, key: reader.key })).status, 200);
        const { status, body, headers } = await ask("publish", { body: BODY, key: reader.key });
        assert.deepEqual([status, body["code"], body["detail"]], [403, "forbidden", "this key is not for publish"]);
        assert.equal(headers["www-authenticate"], 'Bearer realm="hawser hub", error="insufficient_scope"');
      },
      { key: [KEY, next, reader] },
    );
  });

  it("ten wrong ones of an address, then 429; whoever has a key gets in nevertheless", async () => {
    await withRig(async ({ ask, clock, refusedFrom }) => {
      const statuses: number[] = [];
      for (let count = 0; count < 12; count++)
        statuses.push((await ask("count", { body: { topic: "t" }, key: `wrong-${count}` })).status);
      assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), 429, 429]);
      assert.equal(refusedFrom.length, 10);
      const limited = await ask("count", { body: { topic: "t" }, key: "wrong" });
      assert.deepEqual([limited.headers["retry-after"], limited.body["code"]], ["10", "limit"]);
      assert.equal((await ask("count", { body: { topic: "t" } })).status, 200);
      clock.advance(1000);
      assert.equal((await ask("count", { body: { topic: "t" }, key: "wrong" })).status, 401);
    });
  });
});

describe("paths and methods", () => {
  it("what is not below the base is somebody else's", async () => {
    await withRig(async ({ ask }) => {
      for (const path of [
        "/",
        "/hubs",
        "/hubs/publish",
        "/publish",
        "/other/hub/publish",
        "//hub/publish",
        "/HUB/publish",
      ]) {
        assert.equal((await ask(path)).status, 418, path);
      }
    });
  });

  it("below it, what there is not is 404, with or without a key", async () => {
    await withRig(async ({ ask }) => {
      for (const path of [
        "/hub/",
        "/hub/publish/",
        "/hub/nothing",
        "/hub/toString",
        "/hub/__proto__",
        "/hub/publish%2f",
        "/hub/Publish",
      ]) {
        const { status, headers } = await ask(path, { key: null });
        assert.deepEqual([status, headers["content-type"]], [404, "application/problem+json"], path);
      }
      assert.equal((await ask("/hub/count?x=1", { body: { topic: "t" } })).status, 200);
    });
  });

  it("operations are POST, the document is GET and HEAD; anything else is 405", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const method of ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
        const { status, headers } = await ask("publish", { method });
        assert.deepEqual([status, headers.allow], [405, "POST"], method);
      }
      assert.deepEqual(hub.calls, []);
      for (const path of ["/hub", "/hub/openapi.json"]) {
        const { status, headers } = await ask(path);
        assert.deepEqual([status, headers.allow], [405, "GET, HEAD"]);
      }
    });
  });

  it("the base says where the document is, and needs no key", async () => {
    await withRig(
      async ({ ask }) => {
        const { status, headers, body } = await ask("/api/v1/hub", { method: "GET", key: null });
        assert.deepEqual([status, body], [200, { openapi: "/api/v1/hub/openapi.json" }]);
        assert.equal(headers.link, '</api/v1/hub/openapi.json>; rel="service-desc"');
        assert.equal(headers["cache-control"], "no-store");
        assert.equal(headers["x-content-type-options"], "nosniff");
        const head = await ask("/api/v1/hub", { method: "HEAD", key: null });
        assert.deepEqual(
          [head.status, head.text, head.headers["content-length"]],
          [200, "", headers["content-length"]],
        );
        assert.deepEqual((await ask("/api/v1/hub/openapi.json", { method: "GET", key: null })).body["servers"], [
          { url: "/api/v1/hub" },
        ]);
      },
      { base: "/api/v1/hub" },
    );
  });
});

describe("bodies", () => {
  it("JSON alone, not compressed: 415 says what else", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json; charset=latin1",
        "",
        "multipart/form-data; boundary=x",
      ]) {
        const { status, headers } = await ask("publish", { body: BODY, headers: { "Content-Type": type } });
        assert.deepEqual([status, headers["accept-post"]], [415, "application/json"], type);
      }
      for (const type of ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']) {
        assert.equal((await ask("publish", { body: BODY, headers: { "Content-Type": type } })).status, 200, type);
      }
      const { status, headers } = await ask("publish", { body: BODY, headers: { "Content-Encoding": "gzip" } });
      assert.deepEqual([status, headers["accept-encoding"]], [415, "identity"]);
      assert.equal(hub.calls.length, 3);
    });
  });

  it("1 MiB and not a byte more: told in advance, or found out", async () => {
    await withRig(async ({ ask, raw, hub, port }) => {
      const pad = (size: number): string => `{"topic":"t","data":"${"x".repeat(size - 23)}"}`;
      assert.equal(Buffer.byteLength(pad(1_048_576)), 1_048_576);
      assert.equal((await ask("publish", { body: pad(1_048_576) })).status, 200);
      const head = `POST /hub/publish HTTP/1.1\r\nHost: a:${port}\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n`;
      const declared = await raw(`${head}Content-Length: 1048577\r\n\r\n{`);
      assert.match(declared, /^HTTP\/1\.1 413 [\s\S]*Connection: close\r\n[\s\S]*more than 1048576 bytes/i);
      const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
      const chunked = await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`, /"code":"too-big"/);
      assert.match(chunked, /^HTTP\/1\.1 413 [\s\S]*Connection: close/i);
      assert.equal(hub.calls.length, 1);
    });
  });

  it("a body that does not come: 408 after ten seconds, and the connection ends", async () => {
    await withRig(async ({ clock, port, hub }) => {
      const socket = connect(port, "127.0.0.1");
      const head = `POST /hub/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n`;
      socket.write(`${head}Content-Length: 70000\r\n\r\n{"topic":`);
      while (clock.timers === 0) await new Promise(setImmediate);
      clock.advance(9999);
      assert.equal(clock.timers, 1);
      clock.advance(1);
      assert.equal(clock.timers, 0);
      const text = (await socket.toArray()).join("");
      assert.match(text, /^HTTP\/1\.1 408 [\s\S]*Connection: close\r\n[\s\S]*not here within 10000 ms/);
      assert.deepEqual(hub.calls, []);
    });
  });

  it("who hangs up in the middle is forgotten", async () => {
    await withRig(
      async (rig) => {
        for (let count = 0; count < 3; count++) {
          const socket = connect(rig.port, "127.0.0.1");
          socket.write(
            `POST /hub/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`,
          );
          while (rig.clock.timers === 0) await new Promise(setImmediate);
          socket.destroy();
          while (rig.clock.timers > 0) await new Promise(setImmediate);
        }
        assert.equal((await rig.ask("publish", { body: BODY })).status, 200);
      },
      { maxRequests: 1 },
    );
  });

  it("one connection for many requests, also behind a refusal with a short body", async () => {
    await withRig(async ({ port, hub }) => {
      const socket = connect(port, "127.0.0.1");
      const text = JSON.stringify(BODY);
      const post = (key: string): string =>
        `POST /hub/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
      socket.write(post("wrong") + post(KEY) + post(KEY).replace("Host: a", "Host: a\r\nConnection: close"));
      const answers = (await socket.toArray()).join("");
      assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 401", "HTTP/1.1 200", "HTTP/1.1 200"]);
      assert.equal(hub.calls.length, 2);
    });
  });

  const WRONG: [detail: RegExp, body: unknown, code?: string][] = [
    [/one JSON object/, ""],
    [/one JSON object/, "{"],
    [/one JSON object/, "[]"],
    [/one JSON object/, "null"],
    [/one JSON object/, '"{}"'],
    [/one JSON object/, '{"topic":"t","data":1}x'],
    [/one JSON object/, '{"topic":"t","data":NaN}'],
    [/UTF-8/, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    [/a field twice/, '{"topic":"t","data":1,"data":2}'],
    [/a field twice/, '{"topic":"t","d\\u0061ta":1,"data":2}'],
    [/topic is missing/, { data: 1 }],
    [/no field "kye": they are topic, data, base64, key/, { topic: "t", data: 1, kye: "a" }],
    [/no field "__proto__"/, '{"topic":"t","data":1,"__proto__":{"key":"a"}}'],
    [/either data or base64/, { topic: "t" }],
    [/either data or base64/, { topic: "t", data: 1, base64: "AA==" }],
    [/topic has to be a name/, { topic: 7, data: 1 }],
    [/topic has to be a name/, { topic: "", data: 1 }],
    [/topic has to be a name/, { topic: "a\u0000", data: 1 }],
    [/topic has to be a name/, { topic: "ä".repeat(128), data: 1 }, "too-big"],
    [/key has to be a key/, { topic: "t", data: 1, key: null }],
    [/key has to be a key/, { topic: "t", data: 1, key: "x".repeat(129) }, "too-big"],
    [/base64 has to be bytes/, { topic: "t", base64: "AA" }],
    [/base64 has to be bytes/, { topic: "t", base64: "AA-_" }],
    [/base64 has to be bytes/, { topic: "t", base64: [1] }],
    [/at most 63 deep/, `{"topic":"t","data":${"[".repeat(64)}${"]".repeat(64)}}`, "too-big"],
    [/at most 63 deep/, `{"topic":"t","data":${"[".repeat(500_000)}`, "too-big"],
  ];

  it("what is wrong with a body is said", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const [detail, body, code = "bad-request"] of WRONG) {
        const { status, body: problem } = await ask("publish", { body });
        const shown = JSON.stringify(body).slice(0, 100);
        assert.deepEqual([status, problem["code"]], [400, code], shown);
        assert.match(String(problem["detail"]), detail, shown);
        assert.deepEqual([problem["type"], problem["title"], problem["status"]], ["about:blank", "Bad Request", 400]);
      }
      assert.deepEqual(hub.calls, []);
      const deep = `{"topic":"t","data":${"[".repeat(63)}${"]".repeat(63)}}`;
      assert.equal((await ask("publish", { body: deep })).status, 200);
    });
  });
});

describe("load and time", () => {
  it("a hundred at a time, then 503 before anything is read", async () => {
    await withRig(
      async ({ ask, hub }) => {
        let release = (): void => {};
        const held = new Promise<void>((resolve) => (release = resolve));
        const count = hub.count.bind(hub);
        hub.count = async (...args) => (await held, count(...args));
        const waiting = [1, 2].map(() => ask("count", { body: { topic: "t" } }));
        const refused = async (): Promise<boolean> => (await ask("publish", { body: BODY })).status === 503;
        while (!(await refused()));
        const { headers, body } = await ask("publish", { body: BODY });
        assert.deepEqual([headers["retry-after"], body["code"]], ["1", "unavailable"]);
        release();
        assert.deepEqual(
          (await Promise.all(waiting)).map(({ status }) => status),
          [200, 200],
        );
        assert.equal((await ask("publish", { body: BODY })).status, 200);
      },
      { maxRequests: 2 },
    );
  });

  it("a hub that does not answer: 503 in time, and its late answer does no harm", async () => {
    await withRig(async ({ ask, hub, clock, failures }) => {
      let fail = (_error: Error): void => {};
      hub.instead = () => new Promise((_resolve, reject) => (fail = reject));
      const answer = ask("publish", { body: { ...BODY, key: "k" } });
      while (hub.calls.length === 0) await new Promise(setImmediate);
      clock.advance(5000);
      const { status, body, headers } = await answer;
      assert.deepEqual([status, body["code"], headers["retry-after"]], [503, "timeout", "1"]);
      fail(new Error("late"));
      await new Promise(setImmediate);
      assert.deepEqual([failures, clock.timers], [[], 0]);
    });
  });

  it("no timer is left behind", async () => {
    await withRig(async ({ ask, clock }) => {
      await ask("publish", { body: BODY });
      await ask("publish", { body: "{" });
      assert.equal(clock.timers, 0);
    });
  });
});

describe("beside others", () => {
  it("as the option `request` of a Hawser server", async () => {
    const hub = new FakeHub();
    const api = hubHttp(hub, { key: KEY });
    const server = createServer({
      logLevel: "silent",
      request: (request, response) => api(request, response) || response.writeHead(404).end(),
    });
    const { port } = await server.listen(0);
    try {
      const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" };
      const url = `http://127.0.0.1:${port}/hub/publish`;
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(BODY) });
      assert.deepEqual([answer.status, await answer.json()], [200, { offset: 1, epoch: "k3f9", duplicate: false }]);
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
    } finally {
      await server.close();
    }
  });

  it("in Express; behind its parser of bodies it says what is wrong", async () => {
    for (const isBehind of [false, true]) {
      await withRig(
        async ({ ask }) => {
          assert.equal((await ask("/other")).status, 404);
          const { status, body } = await ask("publish", { body: BODY });
          assert.equal(status, isBehind ? 500 : 200);
          if (isBehind) assert.match(String(body["detail"]), /before parsers of bodies/);
        },
        {},
        (listener) => {
          const app = express();
          if (isBehind) app.use(express.json());
          app.use((request, response, next) => {
            if (!listener(request, response)) next();
          });
          app.use((_request, response) => void response.status(404).json({}));
          return app;
        },
      );
    }
  });

  it("an answer that nobody waits for any more", async () => {
    await withRig(async (rig: Rig) => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      rig.hub.revoke = () => held;
      const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" };
      const request = httpRequest({ port: rig.port, path: "/hub/revoke", method: "POST", headers });
      request.on("error", () => {});
      request.end('{"user":"u7"}');
      while (rig.clock.timers === 0) await new Promise(setImmediate);
      request.destroy();
      await new Promise((resolve) => request.once("close", resolve));
      release();
      assert.equal((await rig.ask("publish", { body: BODY })).status, 200);
    });
  });
});

describe("options", () => {
  const WRONG: [why: RegExp, options: object][] = [
    [/16 to 256/, { key: "short" }],
    [/16 to 256/, { key: "with a space in the middle" }],
    [/16 to 256/, { key: "x".repeat(257) }],
    [/16 to 256/, {}],
    [/one key or more/, { key: [] }],
    [/may takes a list/, { key: { key: KEY, may: [] } }],
    [/may takes a list/, { key: { key: KEY, may: ["publish", "toString"] } }],
    [/base: got "\/"/, { key: KEY, base: "/" }],
    [/base: got "hub"/, { key: KEY, base: "hub" }],
    [/base: got "\/hub\/"/, { key: KEY, base: "/hub/" }],
    [/base: got "\/a\?b"/, { key: KEY, base: "/a?b" }],
    [/maxBodyBytes: got 0/, { key: KEY, maxBodyBytes: 0 }],
    [/maxRequests: got 1.5/, { key: KEY, maxRequests: 1.5 }],
    [/timeoutMs: got "5"/, { key: KEY, timeoutMs: "5" }],
    [/no option "keys"/, { key: KEY, keys: [KEY] }],
  ];

  it("are refused at the start where they are wrong, and a key is not shown", () => {
    for (const [why, options] of WRONG) {
      assert.throws(() => hubHttp(new FakeHub(), options as HubHttpOptions), why);
    }
    assert.throws(
      () => hubHttp(new FakeHub(), { key: "hunter2" }),
      (error: Error) => !error.message.includes("hunter2"),
    );
  });
});
