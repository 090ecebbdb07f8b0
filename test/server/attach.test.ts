/** WebSockets beside an HTTP server that is there, and whoever else listens for its upgrades: each handshake has one answer. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import {
  connect as connectHttp2,
  createSecureServer as createHttp2SecureServer,
  createServer as createHttp2Server,
} from "node:http2";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import type { Duplex } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { WebSocketServer } from "ws";
import { createServer, UsageError } from "#hawser/index.js";
import type { UpgradeSource } from "#hawser/server/handshake/upgrade-source.js";
import { until } from "../harness/concurrency.js";
import { upgradeRequest } from "../harness/http.js";
import { RawClient } from "../harness/raw-client.js";
import { certificates } from "../harness/certificates.js";
import { gate, listenOn, LogBook, plainHttpServer, startRig, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

describe("attach", () => {
  it("takes the handshakes of a server that is there, and leaves it its requests", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, { message: (client, message) => void client.send(message) }, { attach: http });
    assert.ok(rig.server.isReady);
    const { peer } = await rig.connect();
    await peer.echo("hello");
    assert.equal(await (await fetch(`http://127.0.0.1:${rig.port}/`)).text(), "plain");
    assert.throws(() => rig.server.attach(http), UsageError);
    peer.destroy();
    await rig.stop();
    assert.equal(http.listenerCount("upgrade"), 0);
    assert.ok(http.listening, "it is its owner's to close");
  });

  it("leaves the other paths to another upgrade listener, where there is one", async (test) => {
    const http = plainHttpServer();
    http.on("upgrade", (request, socket) => {
      if (request.url !== "/hmr") return;
      socket.end("HTTP/1.1 299 Hot Reload\r\nContent-Length: 0\r\n\r\n");
    });
    const rig = await startRig(test, { path: "/ws" }, { attach: http });
    assert.equal((await (await rig.dial()).handshake({ path: "/hmr" })).status, 299);
    assert.equal((await (await rig.dial()).handshake({ path: "/ws" })).status, 101);
  });

  it("refuses the other paths where nobody else would answer", async (test) => {
    const rig = await startRig(test, { path: "/ws" }, { attach: plainHttpServer() });
    assert.equal((await (await rig.dial()).handshake({ path: "/other" })).status, 404);
  });

  for (const paths of [
    [undefined, "/feed"],
    ["/feed", undefined],
  ]) {
    it(`gives a path to the server that has it, attached ${paths[0] === undefined ? "after" : "before"} one that takes all`, async (test) => {
      const http = plainHttpServer();
      const servers = paths.map((path) => createServer({ path, clock: new StepClock(), logger: new LogBook() }));
      for (const server of servers) server.attach(http);
      const port = await listenOn(http);
      test.after(async () => {
        await Promise.all(servers.map((server) => server.close({ graceMs: 0 })));
        http.close();
      });
      for (const path of ["/feed", "/other"]) (await RawClient.open(`ws://127.0.0.1:${port}${path}`)).destroy();
      assert.deepEqual(
        servers.map(({ stats }) => stats.opened),
        [1, 1],
      );
    });
  }

  it("lets two servers share one port, by path", async (test) => {
    const http = plainHttpServer();
    const [chat, feed] = ["/chat", "/feed"].map((path) =>
      createServer({ path, clock: new StepClock(), logger: new LogBook(), open: (client) => void client.send(path) }),
    );
    chat!.attach(http);
    feed!.attach(http);
    const port = await listenOn(http);
    test.after(async () => {
      await Promise.all([chat!.close({ graceMs: 0 }), feed!.close({ graceMs: 0 })]);
      http.close();
    });
    for (const path of ["/chat", "/feed"]) {
      const peer = await RawClient.open(`ws://127.0.0.1:${port}${path}`);
      assert.equal((await peer.nextMessage()).bytes.toString(), path);
      peer.destroy();
    }
    // What none of them serves gets one answer, and not none or two.
    const stray = await RawClient.connect(`ws://127.0.0.1:${port}/`);
    assert.equal((await stray.handshake({ path: "/other" })).status, 404);
    assert.deepEqual(
      [chat!, feed!].map((server) => server.stats.refused.path ?? 0),
      [1, 0],
    );
  });
});

describe("attach takes", () => {
  const mistakes: [what: string, http: () => unknown, advice: RegExp][] = [
    ["an Express application", () => express(), /attach to what `app\.listen\(\)` returns/],
    ["a Fastify instance", () => fastify(), /attach to its `server`/],
    ["a Hono application", () => new Hono(), /what `serve\(…\)` of @hono\/node-server returns/],
    ["a Koa application", () => Object.assign(new EventEmitter(), { callback() {}, listen() {} }), /app\.callback\(\)/],
    ["a Nest application", () => ({ getHttpServer() {} }), /`app\.getHttpServer\(\)`/],
    ["a Next application", () => ({ getRequestHandler() {} }), /request handler/],
    ["a Vite development server", () => ({ httpServer: null }), /its `httpServer`/],
    ["another WebSocket server", () => new WebSocketServer({ noServer: true }), /attach to the HTTP server/],
    ["a server of Hawser's", () => createServer(), /attach to the HTTP server/],
    ["a port", () => 8080, /got number/],
    ["nothing", () => undefined, /got undefined/],
    ["null", () => null, /got null/],
    ["an object of another kind", () => ({}), /`http\.createServer\(…\)`/],
    ["an emitter of events", () => new EventEmitter(), /no HTTP server.*`http\.createServer\(…\)`.*`handleUpgrade`/],
    ["a server of node:net", () => createTcpServer(), /`node:net`.*`http\.createServer\(…\)`/],
    ["a server of node:tls", () => createTlsServer(), /`node:tls`.*`http\.createServer\(…\)`/],
    ["an HTTP/2 server without TLS", () => createHttp2Server(), /`http2\.createSecureServer\(\{ allowHTTP1: true/],
    ["an HTTP/2 server without HTTP/1.1", () => createHttp2SecureServer(), /allowHTTP1: true/],
  ];
  for (const [what, http, advice] of mistakes) {
    it(`no ${what.replace(/^an? /, "")}, and says what it does take`, () => {
      const server = createServer({ clock: new StepClock(), logger: new LogBook() });
      assert.throws(
        () => server.attach(http() as UpgradeSource),
        (error) => error instanceof UsageError && error.message.startsWith("attach: ") && advice.test(error.message),
      );
      assert.equal(server.isReady, false);
    });
  }

  it("a server that speaks HTTP/2 and takes HTTP/1.1, and leaves it its requests", async (test) => {
    const { cert, key } = certificates.first;
    const http2 = createHttp2SecureServer({ cert, key, allowHTTP1: true }, (_request, response) =>
      response.end("plain"),
    );
    const server = createServer({
      clock: new StepClock(),
      logger: new LogBook(),
      message: (client, message) => void client.send(message),
    });
    server.attach(http2);
    http2.listen(0, "127.0.0.1");
    await once(http2, "listening");
    const { port } = http2.address() as AddressInfo;
    test.after(async () => {
      await server.close({ graceMs: 0 });
      http2.close();
    });
    const peer = await RawClient.open(`wss://127.0.0.1:${port}/`);
    await peer.echo("hello");
    peer.destroy();
    const session = connectHttp2(`https://127.0.0.1:${port}/`, { rejectUnauthorized: false });
    let text = "";
    for await (const chunk of session.request().setEncoding("utf8")) text += String(chunk);
    session.close();
    assert.equal(text, "plain");
  });

  it("nothing after close, nor while that lasts", async (test) => {
    const rig = await startRig(test);
    const closing = rig.stop();
    assert.throws(() => rig.server.attach(plainHttpServer()), UsageError);
    await closing;
    const http = plainHttpServer();
    assert.throws(() => rig.server.attach(http), /^UsageError: attach: this server has been closed$/);
    assert.equal(http.listenerCount("upgrade"), 0);
  });

  it("no server whose events are fixed, and says what to do", () => {
    const http = plainHttpServer();
    Object.defineProperty(http, "emit", { value: http.emit.bind(http) });
    const server = createServer({ clock: new StepClock(), logger: new LogBook() });
    assert.throws(() => server.attach(http), /call `handleUpgrade`/);
    assert.deepEqual([http.listenerCount("upgrade"), server.isReady], [0, false]);
  });

  it("a server whose events somebody intercepts before and after, and leaves it as it was", async (test) => {
    const http = plainHttpServer();
    const seen: string[] = [];
    const wrap = (name: string): void => {
      const emit = http.emit.bind(http) as (...args: unknown[]) => boolean;
      http.emit = (...args: unknown[]) => {
        if (args[0] === "upgrade") seen.push(name);
        return emit(...args);
      };
    };
    wrap("before");
    const before = emitOf(http);
    const rig = await startRig(test, {}, { attach: http });
    wrap("after");
    await rig.connect();
    assert.deepEqual(seen, ["after"]);
    const after = emitOf(http);
    await rig.stop();
    assert.equal(emitOf(http), after);
    http.on("upgrade", (_request, socket: Duplex) => socket.end("HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n"));
    assert.equal((await (await rig.dial()).handshake()).status, 299);
    assert.deepEqual(seen, ["after", "after", "before"]);
    const other = createHttpServer();
    Object.assign(other, { emit: before });
    const second = createServer({ clock: new StepClock(), logger: new LogBook() });
    second.attach(other);
    await second.close();
    assert.equal(emitOf(other), before);
    const third = createServer({ clock: new StepClock(), logger: new LogBook() });
    const untouched = createHttpServer();
    third.attach(untouched);
    await third.close();
    assert.ok(!Object.hasOwn(untouched, "emit"));
  });
});

/** Answers whatever comes, as crossws does. */
function answerAll(_request: IncomingMessage, socket: Duplex): void {
  socket.write("HTTP/1.1 299 Theirs\r\nContent-Length: 0\r\n\r\n");
}

const ORDERS: Record<string, (http: HttpServer, attach: () => void, listener: typeof answerAll) => void> = {
  "before it": (http, attach, listener) => {
    http.on("upgrade", listener);
    attach();
  },
  "after it": (http, attach, listener) => {
    attach();
    http.on("upgrade", listener);
  },
  "after it, in front": (http, attach, listener) => {
    attach();
    http.prependListener("upgrade", listener);
  },
  once: (http, attach, listener) => {
    http.once("upgrade", listener);
    attach();
  },
};

describe("beside a listener that answers every upgrade", () => {
  for (const [when, add] of Object.entries(ORDERS)) {
    for (const path of [undefined, "/ws"]) {
      it(`that was added ${when}, ${path === undefined ? "without" : "with"} path, a handshake is answered once`, async (test) => {
        const http = plainHttpServer();
        const rig = await attachTo(test, http, path === undefined ? {} : { path }, (attach) =>
          add(http, attach, answerAll),
        );
        const peer = await RawClient.open(`ws://127.0.0.1:${rig.port}/ws`);
        await peer.echo("one answer");
        assert.deepEqual(peer.violations, []);
        await peer.close();
        for (const [target, protocols] of [
          ["/ws2", "theirs"],
          ["/_next/hmr", undefined],
        ] as const) {
          if (when === "once" && target !== "/ws2") continue;
          const stray = await RawClient.connect(`ws://127.0.0.1:${rig.port}/`);
          const how = protocols === undefined ? { path: target } : { path: target, protocols };
          assert.equal((await stray.handshake(how)).status, 299, target);
          stray.destroy();
        }
      });
    }
  }

  it("without path, it takes what offers a subprotocol that it speaks, or none", async (test) => {
    const http = plainHttpServer();
    http.on("upgrade", answerAll);
    const rig = await attachTo(test, http, { subprotocols: ["chat"] }, (attach) => attach());
    for (const [protocols, status] of [
      ["chat", 101],
      ["vite-hmr", 299],
      ["vite-ping, chat", 101],
      [" , ", 101],
    ] as const) {
      const peer = await RawClient.connect(`ws://127.0.0.1:${rig.port}/`);
      assert.equal((await peer.handshake({ protocols })).status, status, protocols);
      peer.destroy();
    }
    assert.equal((await fetch(`http://127.0.0.1:${rig.port}/`)).status, 200);
  });

  it("without one, it takes those as well", async (test) => {
    const rig = await startRig(test, { subprotocols: ["chat"] }, { attach: plainHttpServer() });
    assert.equal((await (await rig.dial()).handshake({ protocols: "other" })).status, 101);
    assert.equal((await (await rig.dial()).handshake({ path: "/_next/hmr" })).status, 101);
  });
});

describe("a handshake that is left to others", () => {
  it("is answered when handshakeTimeoutMs are over and nobody has: 300 of 300", async (test) => {
    const http = plainHttpServer();
    let left = 0;
    http.on("upgrade", () => left++);
    const rig = await startRig(test, { path: "/ws", handshakeTimeoutMs: 5_000 }, { attach: http });
    const peers = await Promise.all(Array.from({ length: 300 }, () => rig.dial()));
    const responses = peers.map((peer) => peer.handshake({ path: "/hmr" }));
    await until(() => left === 300, "all of them");
    rig.clock.advance(4_000);
    await turns(5);
    assert.deepEqual({ ...rig.server.stats.refused }, {});
    rig.clock.advance(1_500);
    for (const response of responses) assert.equal((await response).status, 404);
    for (const peer of peers) assert.equal((await peer.ended()).how, "fin");
    assert.equal(rig.server.stats.refused.path, 300);
    // That of the log, which says how many lines it left out.
    rig.clock.advance(2_000);
    assert.equal(rig.clock.timers, 0, "nothing waits any longer");
  });

  it("is answered when the server is closed", async (test) => {
    const http = plainHttpServer();
    http.on("upgrade", () => {});
    const rig = await startRig(test, { path: "/ws" }, { attach: http });
    const response = (await rig.dial()).handshake({ path: "/hmr" });
    await until(() => rig.clock.timers === 1, "the wheel to turn");
    await rig.stop();
    assert.equal((await response).status, 503);
  });

  it("costs nothing once it is gone", async (test) => {
    const http = plainHttpServer();
    let gone = 0;
    http.on("upgrade", (_request, socket: Duplex) => socket.on("close", () => gone++));
    const rig = await startRig(test, { path: "/ws" }, { attach: http });
    const peer = await rig.dial();
    await peer.sendBytes(upgradeRequest(rig.url, { path: "/hmr" }));
    await until(() => rig.clock.timers === 1, "the wheel to turn");
    peer.reset();
    await until(() => gone === 1, "its end");
    await turns();
    assert.deepEqual([rig.clock.timers, { ...rig.server.stats.refused }], [0, {}]);
  });

  // What the packages do: ws and Socket.IO write and read, http-proxy sets the timeout and writes when the server behind it has answered.
  const takers: Record<string, (socket: Duplex) => void> = {
    "writes to it": (socket) => void socket.write("HTTP/1.1 299 Theirs\r\n\r\n"),
    "reads it": (socket) => void socket.on("data", () => {}),
    "waits for it to be readable": (socket) => void socket.on("readable", () => {}),
    "resumes it": (socket) => void socket.resume(),
    "sets its timeout": (socket) => (socket as unknown as { setTimeout(ms: number): void }).setTimeout(0),
    "ends it": (socket) => void socket.end(),
    "destroys it": (socket) => void socket.destroy(),
  };
  for (const [how, take] of Object.entries(takers)) {
    for (const isLater of [false, true]) {
      it(`is theirs who ${how}${isLater ? " later" : ""}`, async (test) => {
        const http = plainHttpServer();
        let taken: Duplex | null = null;
        http.on("upgrade", (_request, socket: Duplex) => {
          socket.on("error", () => {});
          if (isLater) setImmediate(() => take(socket));
          else take(socket);
          taken = socket;
        });
        const rig = await startRig(test, { path: "/ws" }, { attach: http });
        const peer = await rig.dial();
        // A second request of its connection: what was written before does not count.
        await peer.sendBytes("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        assert.equal((await peer.nextResponse())!.body, "plain");
        await peer.sendBytes(upgradeRequest(rig.url, { path: "/hmr" }));
        await until(() => taken !== null, "the upgrade");
        await turns(5);
        rig.clock.advance(60_000);
        await turns(5);
        assert.deepEqual([{ ...rig.server.stats.refused }, rig.clock.timers], [{}, 0]);
        taken!.destroy();
      });
    }
  }
});

describe("a socket that has been taken", () => {
  it("is ignored where the event brings it again, and throws where it is handed over again: places are given back", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, { maxClients: 20 }, { attach: http });
    const other = createServer({ clock: new StepClock(), logger: new LogBook() });
    test.after(() => other.close({ graceMs: 0 }));
    const errors: unknown[] = [];
    // Node's event goes past the listeners of an attached server; somebody who emits it himself does not.
    const again = http.emit.bind(http);
    http.emit = (...args: unknown[]) => {
      const isHandled = Reflect.apply(again, http, args) as boolean;
      if (args[0] === "upgrade") {
        const [, request, socket, head] = args as [string, IncomingMessage, Duplex, Buffer];
        again("upgrade", request, socket, head);
        for (const server of [rig.server, other]) {
          try {
            server.handleUpgrade(request, socket, head);
          } catch (error) {
            errors.push(error);
          }
        }
      }
      return isHandled;
    };
    for (let visit = 1; visit <= 30; visit++) {
      const { peer, client } = await rig.connect();
      client.send("once");
      assert.equal((await peer.nextMessage()).bytes.toString(), "once");
      await peer.close();
      assert.deepEqual(peer.violations, []);
      await until(() => rig.server.clients.size === 0, "its end");
      assert.equal(errors.length, visit * 2);
    }
    assert.ok(errors.every((error) => error instanceof UsageError && error.message.startsWith("handleUpgrade: ")));
    assert.deepEqual([rig.server.stats.opened, other.stats.opened], [30, 0]);
  });

  it("by another library throws", async (test) => {
    const http = plainHttpServer();
    const theirs = new WebSocketServer({ server: http });
    test.after(() => theirs.close());
    const rig = await startRig(test);
    const errors: unknown[] = [];
    http.on("upgrade", (request, socket, head) => {
      try {
        rig.server.handleUpgrade(request, socket, head);
      } catch (error) {
        errors.push(error);
      }
    });
    const port = await listenOn(http);
    test.after(() => void http.close());
    const peer = await RawClient.open(`ws://127.0.0.1:${port}/`);
    await peer.close();
    assert.deepEqual([errors.length, peer.violations, rig.opened.length], [1, [], 0]);
  });

  it("by authenticate itself, in any way, throws there", async (test) => {
    for (const portableSockets of [false, true]) {
      const errors: unknown[] = [];
      const rig = await startRig(test, {
        portableSockets,
        authenticate({ raw }) {
          try {
            rig.server.handleUpgrade(raw, raw.socket, Buffer.alloc(0));
          } catch (error) {
            errors.push(error);
          }
          return undefined;
        },
      });
      const { peer } = await rig.connect();
      await peer.close();
      assert.deepEqual([errors.length, errors[0] instanceof UsageError, rig.server.stats.opened], [1, true, 1]);
    }
  });
});

describe("a client that has gone before it was one", () => {
  it("by a FIN while whoever hands it over took its time: no open, counted as aborted", async (test) => {
    const rig = await startRig(test, { maxClients: 1 });
    const http = createHttpServer();
    let handedOver = false;
    http.on("upgrade", (request, socket: Duplex, head) => {
      socket.on("end", () => {
        setImmediate(() => {
          rig.server.handleUpgrade(request, socket, head);
          handedOver = true;
        });
      });
    });
    const port = await listenOn(http);
    test.after(() => void http.close());
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    test.after(() => void socket.destroy());
    socket.end(upgradeRequest(`ws://127.0.0.1:${port}/`));
    const closed = once(socket, "close");
    socket.resume();
    await until(() => handedOver, "the hand-over");
    await closed;
    assert.deepEqual([rig.opened.length, rig.server.clients.size, rig.server.stats.aborted], [0, 0, 1]);
    await rig.connect();
  });

  const ways = {
    "end()": (socket: Duplex) => void socket.end(),
    "end() with an answer": (socket: Duplex) => void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n"),
    "destroy()": (socket: Duplex) => void socket.destroy(),
  };
  for (const [how, end] of Object.entries(ways)) {
    for (const kind of ["lean", "portable", "attached"] as const) {
      for (const isAsync of [false, true]) {
        it(`by ${how} in authenticate, ${isAsync ? "async" : "sync"}, ${kind}`, async (test) => {
          const waits = gate();
          const authenticate = ({ raw }: { raw: IncomingMessage }): undefined | Promise<undefined> => {
            end(raw.socket);
            return isAsync ? waits.promise.then(() => undefined) : undefined;
          };
          const options = { authenticate, maxClients: 1, portableSockets: kind === "portable" };
          const rig = await startRig(test, options, kind === "attached" ? { attach: plainHttpServer() } : {});
          const peer = await rig.dial();
          void peer.sendBytes(upgradeRequest(rig.url));
          await turns(5);
          waits.open();
          await peer.ended();
          await until(() => rig.server.stats.aborted === 1, "the count");
          assert.deepEqual([rig.opened.length, rig.server.clients.size, rig.server.pendingHandshakes], [0, 0, 0]);
        });
      }
    }
  }

  it("by an end in generateId", async (test) => {
    for (const portableSockets of [false, true]) {
      let visits = 0;
      const rig = await startRig(test, {
        portableSockets,
        maxClients: 1,
        generateId({ raw }) {
          if (visits++ === 0) raw.socket.end();
          return `visit ${visits}`;
        },
      });
      const peer = await rig.dial();
      void peer.sendBytes(upgradeRequest(rig.url));
      await peer.ended();
      assert.deepEqual([rig.opened.length, rig.server.stats.aborted], [0, 1]);
      await rig.connect();
    }
  });
});

function emitOf(http: HttpServer): unknown {
  return Object.getOwnPropertyDescriptor(http, "emit")?.value;
}

/** A server that echoes, attached in the way of `order`, on a port of its own. */
async function attachTo(
  test: TestContext,
  http: HttpServer,
  options: { path?: string; subprotocols?: string[] },
  order: (attach: () => void) => void,
): Promise<{ port: number }> {
  const server = createServer({
    ...options,
    clock: new StepClock(),
    logger: new LogBook(),
    message: (client, message) => void client.send(message),
  });
  order(() => server.attach(http));
  const port = await listenOn(http);
  test.after(async () => {
    await server.close({ graceMs: 0 });
    http.closeAllConnections();
    http.close();
  });
  return { port };
}
