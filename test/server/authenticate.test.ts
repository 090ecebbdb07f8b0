/** Practice 10: who may connect is decided by the application, in bounded time, and whoever goes away meanwhile costs nothing. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Refuse, type ServerOptions } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import type { RawClient } from "../harness/raw-client.js";
import { gate, plainHttpServer, type Rig, startRig, turns } from "../harness/rig.js";

/** An `authenticate` that waits for the test, and what it saw. */
function waiting(): {
  options: ServerOptions<string>;
  signals: AbortSignal[];
  gates: ReturnType<typeof gate<string>>[];
} {
  const signals: AbortSignal[] = [];
  const gates: ReturnType<typeof gate<string>>[] = [];
  return {
    signals,
    gates,
    options: {
      authenticate(_request, { signal }) {
        signals.push(signal);
        gates.push(gate<string>());
        return gates.at(-1)!.promise;
      },
    },
  };
}

/** A client whose handshake waits for `authenticate`. */
async function knock(rig: Rig<string>, signals: readonly AbortSignal[]): Promise<RawClient> {
  const before = signals.length;
  const peer = await rig.dial();
  await peer.sendBytes(upgradeRequest(rig.url));
  await until(() => signals.length > before, "authenticate to be called");
  return peer;
}

describe("authenticate", () => {
  it("makes client.data, whether it returns a promise or not", async (test) => {
    for (const authenticate of [() => "ann", async () => "ann"]) {
      const rig = await startRig<string>(test, { authenticate });
      assert.equal((await rig.connect()).client.data, "ann");
    }
  });

  it("sees path, query, headers, address and subprotocols", async (test) => {
    let seen: unknown;
    const rig = await startRig<string>(test, {
      authenticate(request) {
        seen = [
          request.path,
          request.query.get("token"),
          request.headers["x-key"],
          request.address,
          request.subprotocols,
        ];
        return "";
      },
    });
    await rig.connect({ at: "room?token=t%20t", headers: { "X-Key": "k" }, protocols: "b, a" });
    assert.deepEqual(seen, ["/room", "t t", "k", "127.0.0.1", ["b", "a"]]);
  });

  it("refuses with the status, the text and the headers of what it throws, logged without a stack trace", async (test) => {
    const rig = await startRig<string>(test, {
      maxClients: 1,
      authenticate() {
        throw new Refuse(401, "who are you?", { "WWW-Authenticate": 'Bearer realm="x"' });
      },
    });
    for (let i = 0; i < 3; i++) {
      const response = await (await rig.dial()).handshake();
      assert.equal(response.status, 401);
      assert.match(response.body, /who are you\?/);
      assert.deepEqual(response.headers.get("www-authenticate"), ['Bearer realm="x"']);
    }
    assert.equal(rig.server.stats.refused["by-application"], 3);
    assert.deepEqual(rig.log.of("handshake-error"), []);
    for (const line of rig.log.of("refused")) assert.ok(!("err" in line));
  });

  it("refuses with 401 by false, and by nothing else", async (test) => {
    const users: Record<string, { name: string }> = { ann: { name: "ann" } };
    for (const isLate of [false, true]) {
      // The type of `data` is that of what is let in.
      const rig = await startRig<{ name: string }>(test, {
        maxClients: 1,
        authenticate(request) {
          const name = request.query.get("as") ?? "";
          const user = Object.hasOwn(users, name) && users[name]!;
          return isLate ? Promise.resolve(user) : user;
        },
      });
      for (let i = 0; i < 2; i++) {
        const response = await (await rig.dial()).handshake({ path: "/?as=eve" });
        assert.equal(response.status, 401);
        assert.equal(response.body, "The application refused.\n");
      }
      assert.equal(rig.server.stats.refused["by-application"], 2);
      assert.deepEqual(rig.log.of("handshake-error"), []);
      assert.equal(rig.opened.length, 0);
      assert.deepEqual((await rig.connect({ at: "?as=ann" })).client.data, { name: "ann" }, "the place was given back");
    }
    for (const data of [undefined, null, 0, "", true, Number.NaN, 0n]) {
      for (const authenticate of [() => data, async () => data])
        assert.equal((await (await startRig<unknown>(test, { authenticate })).connect()).client.data, data);
    }
  });

  it("sends each header of a refusal once, whatever its case, and several values as several lines", async (test) => {
    const rig = await startRig<string>(test, {
      refusalBody: () => "{}",
      authenticate() {
        throw new Refuse(401, "no", {
          "content-type": "application/json",
          "www-authenticate": "Bearer",
          "WWW-Authenticate": 'Basic realm="caf\u00e9"',
          "Set-Cookie": ["a=1", "b=2"],
        });
      },
    });
    const { status, headers, body } = await (await rig.dial()).handshake();
    assert.equal(status, 401);
    assert.deepEqual(headers.get("content-type"), ["application/json"]);
    assert.deepEqual(headers.get("www-authenticate"), ['Basic realm="caf\u00e9"']);
    assert.deepEqual(headers.get("set-cookie"), ["a=1", "b=2"]);
    assert.deepEqual(headers.get("content-length"), ["2"]);
    assert.equal(body, "{}");
  });

  it("a header that would break the response is the application's error, and the client gets a whole 500", async (test) => {
    for (const headers of [{ "content-length": "1" }, { "Transfer-Encoding": "chunked" }, { "X-A": "a\r\nb: c" }]) {
      const rig = await startRig<string>(test, {
        authenticate() {
          throw new Refuse(401, "no", headers);
        },
      });
      const response = await (await rig.dial()).handshake();
      assert.equal(response.status, 500);
      assert.equal(response.body, "The application failed to decide.\n");
      assert.match(String(rig.log.of("handshake-error")[0]!["err"]), /Refuse: the header "/);
    }
  });

  it("gives 500 for any other error, sync or not, and logs it once", async (test) => {
    const failures = [
      () => {
        throw new Error("database down");
      },
      async () => Promise.reject(new Error("database down")),
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- JavaScript lets them
      () => Promise.reject(null),
    ];
    for (const authenticate of failures) {
      const rig = await startRig<string>(test, { authenticate });
      const response = await (await rig.dial()).handshake();
      assert.equal(response.status, 500);
      assert.ok(!response.body.includes("database"), "what went wrong inside is nobody's business outside");
      assert.equal(rig.log.of("handshake-error").length, 1);
      assert.equal(rig.server.clients.size, 0);
    }
  });

  it("may ask for the signal when it is late already, and answer with any thenable", async (test) => {
    const contexts: { signal: AbortSignal }[] = [];
    const rig = await startRig<string>(test, {
      authenticate: (_request, context) => {
        contexts.push(context);
        const thenable = {
          // oxlint-disable-next-line unicorn/no-thenable -- what a library may return
          then: (resolve: (data: string) => void) => void (contexts.length === 2 && resolve("second")),
        };
        return thenable as unknown as Promise<string>;
      },
    });
    const peer = await rig.dial();
    await peer.sendBytes(upgradeRequest(rig.url));
    await until(() => rig.server.pendingHandshakes === 1, "authenticate to be called");
    rig.clock.advance(10_100);
    assert.equal((await peer.nextResponse())!.status, 503);
    const { signal } = contexts[0]!;
    assert.ok(signal.aborted && contexts[0]!.signal === signal);
    const { client } = await rig.connect();
    assert.equal(client.data, "second");
    assert.ok(!contexts[1]!.signal.aborted);
  });

  it("has a signal that is not aborted once the client is let in, nor when it leaves", async (test) => {
    const { options, signals, gates } = waiting();
    const rig = await startRig<string>(test, options);
    const peer = await knock(rig, signals);
    gates[0]!.open("in");
    assert.equal((await peer.nextResponse())!.status, 101);
    rig.clock.advance(20_000);
    assert.equal(signals[0]!.aborted, false, "its deadline is over");
    await peer.close();
    await rig.nextClosed();
    assert.equal(signals[0]!.aborted, false);
  });

  it("gives 503 when it takes longer than handshakeTimeoutMs, and is told so", async (test) => {
    const { options, signals, gates } = waiting();
    const rig = await startRig<string>(test, { ...options, maxClients: 1 });
    const peer = await knock(rig, signals);
    rig.clock.advance(9_950);
    assert.ok(!signals[0]!.aborted);
    rig.clock.advance(150);
    assert.ok(signals[0]!.aborted);
    const response = await peer.nextResponse();
    assert.equal(response!.status, 503);
    assert.ok(response!.headers.has("retry-after"));
    assert.equal(rig.server.stats.refused["authenticate-timeout"], 1);
    gates[0]!.open("too late");
    await turns();
    assert.equal(rig.server.clients.size, 0);
    gates.length = 0;
    const next = await knock(rig, signals);
    gates[0]!.open("in time");
    assert.equal((await next.nextResponse())!.status, 101, "the place was given back");
  });

  for (const [how, leave] of [
    ["resets", (peer: RawClient) => peer.reset()],
    ["ends", (peer: RawClient) => peer.destroy()],
  ] as const) {
    it(`a client that ${how} meanwhile is counted, not logged as an error, and gives its place back`, async (test) => {
      const { options, signals, gates } = waiting();
      const rig = await startRig<string>(test, { ...options, maxClients: 1 });
      const peer = await knock(rig, signals);
      leave(peer);
      await until(() => signals[0]!.aborted, "the signal");
      await until(() => rig.server.stats.aborted === 1, "the count");
      gates[0]!.fail(new Error("aborted"));
      await turns();
      assert.deepEqual(
        rig.log.lines.filter(({ level }) => level === "error" || level === "warn"),
        [],
      );
      assert.deepEqual([rig.opened.length, rig.server.clients.size], [0, 0]);
      const next = await knock(rig, signals);
      gates[1]!.open("next");
      assert.equal((await next.nextResponse())!.status, 101);
    });
  }

  for (const [how, decide] of [
    ["lets in", () => "ann"],
    ["lets in later", async () => "ann"],
    ["refuses", () => false],
    ["refuses later", async () => false],
    [
      "throws",
      () => {
        throw new Refuse(403);
      },
    ],
  ] as readonly [string, () => string | false | Promise<string | false>][]) {
    it(`destroys the socket of a client that it ${how}: it has gone away, and nobody is asked about it again`, async (test) => {
      const asked: string[] = [];
      const rig = await startRig<string>(test, {
        maxClients: 1,
        authenticate(request) {
          if (request.path === "/stays") return "ann";
          request.raw.socket.destroy();
          return decide();
        },
        generateId: ({ path }) => (asked.push(path), `from ${path}`),
      });
      const peer = await rig.dial();
      await peer.sendBytes(upgradeRequest(`${rig.url}goes`));
      await peer.ended();
      await until(() => rig.server.stats.aborted === 1, "the count");
      assert.deepEqual([rig.server.stats.refused, rig.opened.length, asked], [{}, 0, []]);
      await rig.connect({ at: "stays" });
    });
  }

  it("destroys the socket with an error of its own: nobody else hears of it", async (test) => {
    const rig = await startRig(
      test,
      { authenticate: ({ raw }) => void raw.socket.destroy(new Error("not this one")) },
      { attach: plainHttpServer() },
    );
    const peer = await rig.dial();
    await peer.sendBytes(upgradeRequest(rig.url));
    await peer.ended();
    await turns();
    assert.deepEqual([rig.server.stats.aborted, rig.opened.length], [1, 0]);
  });

  it("does not let a client talk before it has decided, nor lose what it said", async (test) => {
    const { options, signals, gates } = waiting();
    const texts: string[] = [];
    const rig = await startRig<string>(test, {
      ...options,
      message: (_client, message) => void texts.push(message.text()),
    });
    const peer = await knock(rig, signals);
    await peer.sendFrame(frame.text("early"));
    await turns(20);
    assert.deepEqual(texts, []);
    gates[0]!.open("ok");
    await until(() => texts.length === 1, "the early message");
    assert.deepEqual(texts, ["early"]);
  });

  it("buffers little of what is sent before it has decided", async (test) => {
    const { options, signals } = waiting();
    let bytesRead = (): number => 0;
    const rig = await startRig<string>(test, {
      ...options,
      authenticate(request, context) {
        bytesRead = () => request.raw.socket.bytesRead;
        return options.authenticate!(request, context);
      },
    });
    const peer = await knock(rig, signals);
    void peer.sendBytes(Buffer.alloc(16 * 1024 * 1024));
    await until(() => bytesRead() > 1024, "some of it");
    await turns(200);
    assert.ok(bytesRead() < 512 * 1024, `${bytesRead()} bytes read`);
  });

  it("limits how many wait", async (test) => {
    const { options, signals, gates } = waiting();
    const rig = await startRig<string>(test, { ...options, maxPendingHandshakes: 2 });
    const first = await knock(rig, signals);
    await knock(rig, signals);
    const third = await (await rig.dial()).handshake();
    assert.equal(third.status, 503);
    assert.equal(rig.server.stats.refused["pending-handshakes"], 1);
    gates[0]!.open("in");
    assert.equal((await first.nextResponse())!.status, 101);
    await knock(rig, signals);
  });

  it("is asked last: what is refused anyway does not reach it", async (test) => {
    const { options, signals } = waiting();
    const rig = await startRig<string>(test, { ...options, path: "/chat" });
    assert.equal((await (await rig.dial()).handshake({ path: "/other" })).status, 404);
    assert.equal((await (await rig.dial()).handshake({ path: "/chat", origin: "https://evil.example" })).status, 403);
    assert.equal(
      (await (await rig.dial()).handshake({ path: "/chat", headers: { "Sec-WebSocket-Key": "short" } })).status,
      400,
    );
    assert.equal(signals.length, 0);
  });
});
