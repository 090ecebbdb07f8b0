/** Two nodes, `hawser serve --broker`, on one Redis, behind each proxy as deploy/ has it: no client is kept at a node of its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { connect, type Live } from "#client/index.js";
import { WebSocket } from "ws";
import { sleep, until } from "../harness/concurrency.js";
import { type LogLine, type ServerProcess, serve } from "../harness/server.js";
import { RedisServer, redis } from "../redis/harness/redis-server.js";
import { need } from "./harness/system.js";
import { caddy, haproxy, nginx } from "./proxies/kinds.js";
import { type Proxy, startProxy } from "./proxies/proxy.js";

const PROXY = "127.0.0.1";
const ROOM = "/room";
/** Of clients of a kind, for each node to have some. */
const MOST = 40;

for (const kind of [nginx, haproxy, caddy]) {
  const missing = redis.missing || (await need(kind.program)).missing;
  describe(`two nodes behind ${kind.name}`, { skip: missing }, () => {
    let engine: RedisServer;
    let nodes: readonly [ServerProcess, ServerProcess];
    let proxy: Proxy;
    const plains: PlainMember[] = [];
    const lives: LiveMember[] = [];
    const everybody = (): Member[] => [...plains, ...lives];

    before(async () => {
      engine = await RedisServer.start();
      const args = ["--broker", engine.url, "--trust-proxy", PROXY, "--no-page"];
      nodes = await Promise.all([serve(args), serve(args)]);
      proxy = await startProxy(kind, nodes[0].port, nodes[1].port);
      // A few, one after another: a node that is slow on a busy machine may be passed over for a while.
      const isEnough = (subprotocol: string): boolean => nodes.every((node) => connects(node, subprotocol).length >= 2);
      for (let n = 0; !isEnough("") && n < MOST; n++) plains.push(await PlainMember.join(proxy, `plain ${n}`));
      for (let n = 0; !isEnough("hawser.v1") && n < MOST; n++) lives.push(await LiveMember.join(proxy, `live ${n}`));
    });
    after(async () => {
      for (const member of everybody()) member.close();
      await proxy?.stop();
      for (const node of nodes ?? []) await node.stop();
      await engine?.close();
    });

    /** A plain client is not told when it is in the room: it is when it hears something. */
    async function untilAllHear(speaker: LiveMember, what: string): Promise<void> {
      for (let n = 0; !plains.every(({ heard }) => heard.some((text) => text.startsWith(what))); n++) {
        await speaker.say(`${what} ${n}`);
        await sleep(100);
      }
    }

    async function everybodySays(what: string): Promise<void> {
      for (const member of everybody()) await member.say(`${what} of ${member.name}`);
      for (const { name, heard } of everybody()) {
        const expected = everybody()
          .map((speaker) => `${what} of ${speaker.name}`)
          // Whoever is plain does not hear itself.
          .filter((text) => text !== `${what} of ${name}` || name.startsWith("live"));
        const came = (): string[] => heard.filter((text) => text.startsWith(`${what} of`));
        await until(() => came().length >= expected.length, `${name} to hear everybody, but ${came().join(", ")}`);
        assert.deepEqual(came().toSorted(), expected.toSorted(), `what ${name} heard`);
      }
    }

    it("the proxy gives clients of each kind to both", () => {
      for (const node of nodes) {
        for (const subprotocol of ["", "hawser.v1"]) assert.ok(connects(node, subprotocol).length >= 2, subprotocol);
      }
    });

    it("everybody in the room hears everybody once, whatever the node", async () => {
      await untilAllHear(lives[0]!, "is everybody here");
      await everybodySays("hello");
    });

    it("a node stands still and is killed: its clients come back to the other one, and have missed nothing", async () => {
      const [lost, left] = nodes;
      lost.signal("SIGSTOP");
      const away = lives.filter((member) => has(lost, member));
      const there = lives.filter((member) => has(left, member));
      assert.ok(away.length > 0 && there.length > 0 && away.length + there.length === lives.length);
      for (let n = 0; n < 10; n++) await there[0]!.say(`while away ${n}`);
      assert.ok(away.every(({ heard }) => !heard.some((text) => text.startsWith("while away"))));
      lost.signal("SIGKILL");
      await lost.exit;

      await until(() => away.every(({ replayed }) => replayed >= 10), "the replay");
      await untilAllHear(there[0]!, "is everybody here again");
      await everybodySays("hello again");
      for (const { name, heard, gaps } of lives) {
        assert.deepEqual(gaps, [], name);
        // From the last subscription on.
        const [mine, others] = [heard, lives.at(-1)!.heard].map((all) => all.slice(all.indexOf("hello of plain 0")));
        assert.deepEqual(mine, others, `the order in which ${name} heard it`);
      }
      for (const { name, heard } of everybody()) assert.equal(new Set(heard).size, heard.length, `doubles of ${name}`);
      assert.deepEqual(left.strayLines, []);
    });
  });
}

function connects({ lines }: ServerProcess, subprotocol: string): LogLine[] {
  return lines.filter((line) => line.event === "connect" && line["subprotocol"] === subprotocol);
}

/** Whether this node has the client, by the id that both know. */
function has(node: ServerProcess, { id }: LiveMember): boolean {
  return connects(node, "hawser.v1").some((line) => line.id === id);
}

interface Member {
  readonly name: string;
  /** What was said in the room, in the order in which it came. */
  readonly heard: string[];
  say(text: string): unknown;
  close(): void;
}

/** A client of `ws` that comes back when its connection is lost. */
class PlainMember implements Member {
  readonly name: string;
  readonly heard: string[] = [];
  readonly #proxy: Proxy;
  #socket: WebSocket;
  #isOver = false;

  private constructor(proxy: Proxy, name: string) {
    this.name = name;
    this.#proxy = proxy;
    this.#socket = this.#dial();
  }

  static async join(proxy: Proxy, name: string): Promise<PlainMember> {
    const member = new PlainMember(proxy, name);
    await once(member.#socket, "open");
    return member;
  }

  #dial(): WebSocket {
    const { port, ca } = this.#proxy;
    const socket = new WebSocket(`wss://127.0.0.1:${port}${ROOM}`, { ca });
    socket.on("message", (data: Buffer) => this.heard.push(data.toString()));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (!this.#isOver) setTimeout(() => (this.#socket = this.#dial()), 50);
    });
    return socket;
  }

  say(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.#isOver = true;
    this.#socket.terminate();
  }
}

/** A client of @hawser/client. */
class LiveMember implements Member {
  readonly name: string;
  readonly heard: string[] = [];
  readonly gaps: string[] = [];
  /** How many messages have come again after a connection was lost. */
  replayed = 0;
  readonly #live: Live;

  private constructor({ port, ca }: Proxy, name: string) {
    this.name = name;
    const Trusting = class extends WebSocket {
      constructor(url: string, subprotocol: string) {
        super(url, subprotocol, { ca });
      }
    };
    this.#live = connect(`wss://127.0.0.1:${port}/`, { WebSocket: Trusting });
  }

  static async join(proxy: Proxy, name: string): Promise<LiveMember> {
    const member = new LiveMember(proxy, name);
    const subscription = member.#live.topic(ROOM).subscribe({
      message(text, { replayed }) {
        member.heard.push(text as string);
        if (replayed) member.replayed++;
      },
      gap: ({ why }) => member.gaps.push(why),
    });
    await subscription.ready;
    return member;
  }

  /** Of the connection, as the log of its node has it. */
  get id(): string | undefined {
    const { current } = this.#live.state;
    return current.phase === "open" ? current.client : undefined;
  }

  /** Resolves when it is said for certain. */
  async say(text: string): Promise<void> {
    await this.#live.topic(ROOM).publish(text);
  }

  close(): void {
    this.#live.close();
  }
}
