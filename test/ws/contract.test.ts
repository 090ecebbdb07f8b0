/** What a program sees, whichever library it imports, at either end: each scenario has to come out as between `ws` and `ws`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type * as ws from "ws";
import { until } from "../harness/concurrency.js";
import { turns } from "../harness/rig.js";
import { closed, libraries, type Library, record, SlowBlob, startPair } from "./pair.js";

type Scenario = (test: TestContext, server: Library, client: Library) => Promise<unknown>;

const scenarios: Record<string, Scenario> = {
  async "messages of every kind, both ways, and a close with code and reason"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = [record(ends.client), record(ends.socket)];
    for (const end of [ends.client, ends.socket]) {
      end.send("text");
      end.send("zürich ✓");
      end.send("");
      end.send(Buffer.from("bytes"));
      end.send(Buffer.from("bytes as text"), { binary: false });
      end.send("text as bytes", { binary: true });
      end.send(new Float32Array([1, 2]).subarray(1));
      end.send(new Uint8Array([65, 66]).buffer);
      end.send(new DataView(new Uint8Array([65, 66, 67]).buffer, 1));
      end.send(7);
      end.send([67, 68]);
      end.send(undefined as unknown as string);
      end.send("first ", { fin: false });
      end.send("second ", { fin: false });
      end.send("last");
      end.send(Buffer.alloc(100_000));
      end.ping("are you there");
      end.pong("unasked");
    }
    ends.client.close(4000, "done");
    await closed(ends.client, ends.socket);
    return lines;
  },

  async "a blob, and what is sent behind it"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = record(ends.socket);
    ends.client.send(new Blob(["of a blob"]));
    ends.client.send("behind it");
    ends.client.ping("and behind that");
    await once(ends.socket, "ping");
    return lines;
  },

  async "a blob that is being read when the connection ends"(test, server, client) {
    const pair = await startPair(test, server, client);
    const told: string[] = [];
    const tell = (error?: Error): void => void told.push(String(error));
    for (const outcome of ["its bytes", "a failure"]) {
      const ends = await pair.connect();
      const blob = new SlowBlob(["1234"]);
      ends.client.send(blob, tell);
      ends.client.send("behind it", tell);
      ends.client.on("error", tell);
      ends.socket.terminate();
      await closed(ends.client, ends.socket);
      const before = told.length;
      blob.settle(outcome === "its bytes" ? null : new Error(outcome));
      await until(() => told.length >= before + 2, "both callbacks");
    }
    return [told];
  },

  async "what is offered of compression"(test, server, client) {
    const pair = await startPair(test, server, client, { perMessageDeflate: true });
    const offers: object[] = [
      {},
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: true,
      },
      { clientMaxWindowBits: 9 },
      { clientMaxWindowBits: false, serverMaxWindowBits: 0 },
      { clientMaxWindowBits: null },
    ];
    const lines: string[] = [];
    for (const perMessageDeflate of offers) {
      const ends = await pair.connect({ perMessageDeflate });
      lines.push(String(pair.accepted.at(-1)!.request.headers["sec-websocket-extensions"]));
      ends.client.send("x".repeat(5000));
      const [data] = (await once(ends.socket, "message")) as [Buffer];
      lines.push(String(data.length));
      ends.client.close();
      await closed(ends.client, ends.socket);
    }
    return [lines];
  },

  async "close without a code, by the server"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = [record(ends.client), record(ends.socket)];
    ends.socket.close();
    lines.push([`${ends.socket.readyState}`]);
    await closed(ends.client, ends.socket);
    return lines;
  },

  async terminate(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = [record(ends.client), record(ends.socket)];
    ends.socket.terminate();
    lines.push([`${ends.socket.readyState}`]);
    await closed(ends.client, ends.socket);
    return lines;
  },

  async "what is sent right before terminate"(test, server, client) {
    const pair = await startPair(test, server, client);
    const lines: string[] = [];
    for (const count of [1, 3]) {
      const ends = await pair.connect();
      const received = record(ends.client);
      const outcomes: Promise<string>[] = [];
      for (let i = 0; i < count; i++) outcomes.push(written(ends.socket, `message ${i}`));
      ends.socket.terminate();
      lines.push(...(await Promise.all(outcomes)));
      await closed(ends.client, ends.socket);
      lines.push(...received);
      // In answer to a message as well.
      const again = await pair.connect();
      again.socket.on("message", () => {
        again.socket.send("the answer");
        if (count > 1) again.socket.close(4000, "and a reason");
        again.socket.terminate();
      });
      const answered = record(again.client);
      again.client.send("a question");
      await closed(again.client, again.socket);
      lines.push(...answered);
    }
    return lines;
  },

  async "a reset by the server's end"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = record(ends.client);
    below(ends.client).on("error", (error: NodeJS.ErrnoException) => lines.push(String(error.code)));
    below(ends.socket).resetAndDestroy();
    await closed(ends.client, ends.socket);
    return lines;
  },

  async "messages that come after our own close"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = record(ends.client);
    ends.socket.on("message", () => ends.socket.send("answer"));
    ends.client.send("question");
    ends.client.close(1000);
    await closed(ends.client, ends.socket);
    return lines;
  },

  async "send before, while and after"(test, server, client) {
    const pair = await startPair(test, server, client);
    const dialled = pair.dial();
    const said: string[] = [];
    const tries = (): void => {
      for (const act of [() => dialled.send("x"), () => dialled.ping(), () => dialled.pong()]) {
        try {
          act();
          said.push("nothing");
        } catch (error) {
          said.push(String(error));
        }
      }
    };
    tries();
    await once(dialled, "open");
    said.push(await written(dialled, "in time"));
    dialled.close();
    said.push(await written(dialled, "too late"), `${dialled.bufferedAmount}`);
    await closed(dialled);
    said.push(await written(dialled, "much too late"), `${dialled.bufferedAmount}`);
    tries();
    return said;
  },

  async "what close takes"(test, server, client) {
    const pair = await startPair(test, server, client);
    const { client: end } = await pair.connect();
    const said: string[] = [];
    for (const args of [[1005], [1006], [999], [5000], ["1000"], [1000, "x".repeat(124)]] as [number, string][]) {
      try {
        end.close(...args);
      } catch (error) {
        said.push(String(error));
      }
    }
    return said;
  },

  async "EventTarget: listeners, attributes and what they are called with"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const said: unknown[] = [];
    const { client: end } = ends;
    end.onmessage = (event) => said.push(["attribute", event.type, event.data, event.target === end]);
    const object = {
      handleEvent(event: ws.MessageEvent) {
        said.push(["object", event.data, this === object]);
      },
    };
    end.addEventListener("message", object);
    end.addEventListener("message", object);
    end.addEventListener("message", (event) => said.push(["once", event.data]), { once: true });
    end.onclose = (event) =>
      said.push([
        event.type,
        event.code,
        event.reason,
        event.wasClean,
        Object.keys(Object.getPrototypeOf(event) as object),
      ]);
    said.push([end.onopen, typeof end.onmessage, end.listenerCount("message")]);
    ends.socket.send("one");
    await once(end, "message");
    end.removeEventListener("message", object);
    end.onmessage = null;
    ends.socket.send(Buffer.from("two"));
    await once(end, "message");
    said.push(end.listenerCount("message"));
    ends.socket.close(3001, "enough");
    await closed(end);
    return said;
  },

  async binaryType(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const said: unknown[] = [];
    for (const type of ["arraybuffer", "fragments", "nodebuffer", "nonsense"] as "arraybuffer"[]) {
      ends.client.binaryType = type;
      ends.socket.send(Buffer.from("bytes"));
      const [data] = (await once(ends.client, "message")) as [unknown];
      said.push([ends.client.binaryType, Object.prototype.toString.call(data), Buffer.isBuffer(data)]);
      ends.socket.send("text");
      const [text] = (await once(ends.client, "message")) as [unknown];
      said.push(Buffer.isBuffer(text));
    }
    return said;
  },

  async "pause and resume"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = record(ends.client);
    ends.client.pause();
    lines.push(`paused ${ends.client.isPaused}`);
    ends.socket.send("one");
    ends.socket.ping("behind it");
    await new Promise((done) => setTimeout(done, 50));
    lines.push("resumed");
    ends.client.resume();
    await once(ends.client, "ping");
    return lines;
  },

  async "subprotocols, and the request"(test, server, client) {
    const pair = await startPair(test, server, client, {
      handleProtocols: (protocols, request) => {
        assert.equal(request.url, "/");
        return [...protocols][1]!;
      },
    });
    const dialled = pair.dial({ headers: { "X-Who": "me" } }, ["a", "b"]);
    await once(dialled, "open");
    const { socket, request } = pair.accepted[0]!;
    return [
      dialled.protocol,
      socket.protocol,
      request.headers["x-who"],
      dialled.extensions,
      socket.url,
      pair.wss.clients.has(socket),
    ];
  },

  async headers(test, server, client) {
    const pair = await startPair(test, server, client);
    let before: string[] = [];
    pair.wss.on("headers", (headers, request) => {
      before = headers.map((line) => line.replace(/Accept: .*/, "Accept"));
      headers.push(`X-Path: ${request.url}`);
    });
    const dialled = pair.dial();
    const opened = once(dialled, "open");
    const [response] = (await once(dialled, "upgrade")) as [{ headers: Record<string, string> }];
    await opened;
    return [before, response.headers["x-path"]];
  },

  async "verifyClient, each form"(test, server, client) {
    const said: unknown[] = [];
    const forms: ws.ServerOptions["verifyClient"][] = [
      (info: { req: IncomingMessage; secure: boolean }) => info.req.url === "/" && !info.secure,
      () => false,
      (_info, done) => done(true),
      (_info, done) => setImmediate(() => done(true)),
      (_info, done) => setImmediate(() => done(false, 429, "slow down", { "Retry-After": "120" })),
    ];
    for (const verifyClient of forms) {
      const pair = await startPair(test, server, client, { verifyClient });
      const dialled = pair.dial();
      said.push(
        await new Promise((done) => {
          dialled.on("open", () => done("open"));
          dialled.on("unexpected-response", (_request, response) => {
            let body = "";
            response.on("data", (chunk) => (body += String(chunk)));
            response.on("end", () => done([response.statusCode, response.headers["retry-after"], body]));
          });
        }),
      );
    }
    return said;
  },

  async compression(test, server, client) {
    const pair = await startPair(test, server, client, {
      perMessageDeflate: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
    });
    const ends = await pair.connect({ perMessageDeflate: { threshold: 0 } });
    const lines = [record(ends.client), record(ends.socket)];
    for (const end of [ends.client, ends.socket]) {
      end.send("a".repeat(1000));
      end.send("b".repeat(1000), { compress: false });
      end.send("c".repeat(500), { fin: false });
      end.send("d".repeat(500));
      end.send("last");
    }
    ends.client.close();
    await closed(ends.client, ends.socket);
    return [ends.client.extensions, ends.socket.extensions, lines];
  },

  async "compression with a window that is kept"(test, server, client) {
    const pair = await startPair(test, server, client, {
      perMessageDeflate: { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false },
    });
    const ends = await pair.connect({ perMessageDeflate: { threshold: 0 } });
    const lines = [record(ends.client), record(ends.socket)];
    for (const end of [ends.client, ends.socket]) for (let i = 0; i < 5; i++) end.send(`the same again and again ${i}`);
    ends.client.close();
    await closed(ends.client, ends.socket);
    return lines;
  },

  async "the server's end"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const said: string[] = [];
    pair.wss.on("close", () => said.push("close"));
    pair.wss.close((error) => said.push(`callback ${error}`));
    const late = pair.dial();
    await closed(late);
    said.push(`${pair.wss.clients.size}`, `${ends.socket.readyState}`);
    ends.client.close();
    await once(pair.wss, "close");
    await turns();
    said.push(`${pair.wss.clients.size}`);
    await new Promise<void>((done) =>
      pair.wss.close((error) => {
        said.push(`again ${error}`);
        done();
      }),
    );
    return said;
  },

  async "a request that the program finishes itself, or gives up"(test, server, client) {
    const pair = await startPair(test, server, client);
    const said: unknown[] = [];
    for (const verb of ["end", "close", "terminate"] as const) {
      const dialled = pair.dial({
        finishRequest(request, socket) {
          said.push((socket as unknown as { _req: unknown })._req === request, socket.readyState);
          if (verb === "end") request.end();
          else socket[verb]();
        },
      });
      dialled.on("open", () => dialled.close());
      const lines = record(dialled);
      await closed(dialled);
      said.push(lines);
    }
    return said;
  },

  async "a response that is no agreement: the error, and in another turn the close"(test, server, client) {
    const pair = await startPair(test, server, client, { handleProtocols: () => false });
    const dialled = pair.dial(undefined, ["a"]);
    const lines = record(dialled);
    dialled.on("error", () => process.nextTick(() => lines.push("another turn")));
    await closed(dialled);
    return lines;
  },

  async "what is sent with options that are null, or undefined"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = record(ends.socket);
    const bytes = Buffer.from("bytes");
    for (const options of [null, undefined, {}, { binary: undefined }, { binary: null }, { binary: 1 }])
      ends.client.send(bytes, options as { binary?: boolean });
    await until(() => lines.length === 6, "the messages");
    return lines;
  },

  async "what the callback of what has left is given"(test, server, client) {
    const pair = await startPair(test, server, client);
    const { client: from } = await pair.connect();
    const given = (call: (done: (...args: unknown[]) => void) => void): Promise<unknown> =>
      new Promise((done) => call((...args) => done(args)));
    return [await given((done) => from.send("x", done)), await given((done) => from.ping("x", undefined, done))];
  },

  async "a ping of a blob that is too long"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    assert.throws(() => ends.client.ping(new Blob(["x".repeat(126)])), RangeError);
    return ends.client.readyState;
  },

  async "a close whose reason has no length"(test, server, client) {
    const said: string[][] = [];
    for (const reason of [5, {}, true, ""]) {
      const pair = await startPair(test, server, client);
      const ends = await pair.connect();
      said.push(record(ends.socket));
      ends.client.close(4000, reason as string);
      await closed(ends.client, ends.socket);
    }
    return said;
  },

  async "an empty message as fragments"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    ends.socket.binaryType = "fragments";
    ends.client.send(Buffer.alloc(0));
    return once(ends.socket, "message");
  },

  async "switches that are off by another nothing than false"(test, server, client) {
    const said: unknown[] = [];
    for (const off of [0, null, undefined, ""] as unknown as false[]) {
      const pair = await startPair(test, server, client, {
        autoPong: off,
        clientTracking: off,
        perMessageDeflate: off,
      });
      const ends = await pair.connect({ autoPong: off });
      for (const [one, other] of [
        [ends.client, ends.socket],
        [ends.socket, ends.client],
      ] as const) {
        const lines = record(one);
        one.ping("unanswered");
        other.pong("by hand");
        await until(() => lines.length > 0, "the pong");
        said.push(lines);
      }
      const bare = new server.WebSocketServer({ server: off as unknown as undefined, noServer: 1 as unknown as true });
      assert.throws(() => bare.address(), /noServer/);
      const unoffered = pair.dial({ perMessageDeflate: off });
      await once(unoffered, "open");
      said.push("clients" in pair.wss, pair.accepted[1]!.request.headers["sec-websocket-extensions"]);
    }
    return said;
  },

  async "what a server answers to an offer of compression"(test, server, client) {
    const pair = await startPair(test, server, client);
    let answer = "";
    pair.wss.on("headers", (lines) => lines.push(`Sec-WebSocket-Extensions: permessage-deflate${answer}`));
    const said: string[][] = [];
    for (const [its, perMessageDeflate] of [
      [", permessage-deflate", {}],
      [", other", {}],
      ["; server_max_window_bits=12", { serverMaxWindowBits: 10 }],
      ["", { serverMaxWindowBits: 10 }],
      ["; client_max_window_bits=12", { clientMaxWindowBits: 10 }],
      ["; client_no_context_takeover", { clientNoContextTakeover: false }],
      ["; client_no_context_takeover", {}],
    ] as const) {
      answer = its;
      const dialled = pair.dial({ perMessageDeflate });
      dialled.on("open", () => dialled.terminate());
      const lines = record(dialled);
      await closed(dialled);
      said.push([its, ...lines]);
    }
    return said;
  },

  async "credentials in an address, with what is no escape"(test, server, client) {
    const pair = await startPair(test, server, client);
    for (const name of ["a%ZZ", "%E0%A4%A", "%41%"]) {
      const dialled = new client.WebSocket(pair.url.replace("//", `//${name}:x@`));
      await once(dialled, "open");
      dialled.terminate();
    }
    return pair.accepted.map(({ request }) => request.headers.authorization);
  },

  async "a connection that is paused, and closes: it is silent until it is resumed"(test, server, client) {
    const pair = await startPair(test, server, client);
    const ends = await pair.connect();
    const lines = record(ends.client);
    const peerClosed = once(below(ends.socket), "close");
    ends.client.pause();
    ends.socket.send("before");
    await written(ends.socket, "too");
    ends.client.close(1000);
    await turns(20);
    assert.deepEqual([lines, ends.client.readyState, ends.client.isPaused], [[], ends.client.CLOSING, true]);
    ends.client.resume();
    await closed(ends.client, ends.socket);
    await peerClosed;
    return lines;
  },
};

describe("hawser/ws is seen as ws", () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it(name, async (test) => {
      const { ws, "hawser/ws": hawser } = libraries;
      const expected = await scenario(test, ws, ws);
      for (const [server, client] of [
        [hawser, ws],
        [ws, hawser],
        [hawser, hawser],
      ] as const) {
        const ends = `server ${server === ws ? "ws" : "hawser/ws"}, client ${client === ws ? "ws" : "hawser/ws"}`;
        assert.deepEqual(await scenario(test, server, client), expected, ends);
      }
    });
  }
});

function below(socket: ws.WebSocket): Socket {
  return (socket as unknown as { _socket: Socket })._socket;
}

function written(socket: ws.WebSocket, data: string): Promise<string> {
  return new Promise((done) =>
    socket.send(data, (error) =>
      // A stream of Node's says null.
      done(String(error ?? undefined)),
    ),
  );
}
