/** A small hub that speaks `hawser.v1`, for clients of this and other processes: one epoch a topic, a ring, keys; cut at will. */
import { randomBytes } from "node:crypto";
import { type Client, createServer, type Server } from "hawser";
import { SUBPROTOCOL } from "@hawser/wire";
import {
  PING,
  type Position,
  readBinaryRequest,
  readRequest,
  type Request,
  writeBinaryPub,
  writeCall,
  writeErr,
  writeHello,
  writeMembers,
  writeOk,
  writePub,
} from "@hawser/wire/server";

interface Stored {
  readonly offset: number;
  readonly frame: string | Uint8Array;
}

class Topic {
  readonly epoch = randomBytes(4).toString("hex");
  readonly ring: Stored[] = [];
  readonly live = new Set<Client>();
  readonly keys = new Map<string, number>();
  top = 0;
}

export interface TestHub {
  readonly url: string;
  readonly port: number;
  /** How many connections there were that said hello. */
  readonly connections: number;
  /** How many there are. */
  readonly open: number;
  /** The tokens of all hellos. */
  readonly tokens: readonly (string | undefined)[];
  /** What the clients answered to `ask`. */
  readonly answers: readonly unknown[];
  publish(topic: string, data: unknown): number;
  /** How many messages a topic has had. */
  top(topic: string): number;
  /** Asks every client. */
  ask(name: string, input: unknown): void;
  /** Breaks every connection, without a word. */
  cut(): void;
  /** From now on nobody gets a word, and connections stay as they are. */
  deaf: boolean;
  stop(): Promise<void>;
}

export async function startHub({
  size = 1_000,
  ttl,
  port = 0,
  pingMs = 25_000,
  origin,
}: { size?: number; ttl?: number; port?: number; pingMs?: number; origin?: string } = {}): Promise<TestHub> {
  const topics = new Map<string, Topic>();
  const clients = new Set<Client>();
  const tokens: (string | undefined)[] = [];
  const answers: unknown[] = [];
  let connections = 0;

  const topicOf = (name: string): Topic => {
    const topic = topics.get(name) ?? new Topic();
    topics.set(name, topic);
    return topic;
  };

  function send(client: Client, frame: string | Uint8Array): void {
    if (!hub.deaf) client.send(frame);
  }

  function store(name: string, write: (offset: number) => string | Uint8Array): number {
    const topic = topicOf(name);
    const offset = ++topic.top;
    const frame = write(offset);
    topic.ring.push({ offset, frame });
    if (topic.ring.length > size) topic.ring.shift();
    for (const client of topic.live) send(client, frame);
    return offset;
  }

  function subscribe(client: Client, id: number, name: string, position?: Position, last?: number): void {
    const topic = topicOf(name);
    const { epoch, top, ring } = topic;
    const start = position?.offset ?? (last === undefined ? top : Math.max(0, top - last));
    const isProvable =
      position === undefined || (position.epoch === epoch && start <= top && start >= top - ring.length);
    const replay = isProvable ? ring.filter(({ offset }) => offset > start) : [];
    send(
      client,
      writeOk(id, {
        o: top,
        e: epoch,
        replay: replay.length > 0 ? replay.length : undefined,
        missed: isProvable ? undefined : true,
      }),
    );
    for (const { frame } of replay) send(client, frame);
    topic.live.add(client);
  }

  function publish(client: Client, { id, topic: name, key, payload }: Extract<Request, { verb: "pub" }>): void {
    const topic = topicOf(name);
    const known = key === undefined ? undefined : topic.keys.get(key);
    const offset =
      known ??
      store(name, (offset) =>
        payload.binary
          ? writeBinaryPub(name, Uint8Array.from(payload.bytes), offset, "somebody")
          : writePub(name, payload.json, offset, "somebody"),
      );
    if (key !== undefined) topic.keys.set(key, offset);
    send(client, writeOk(id, { o: offset, e: topic.epoch, duplicate: known === undefined ? undefined : true }));
  }

  function hear(client: Client, request: Request): void {
    switch (request.verb) {
      case "ping":
        return send(client, PING);
      case "hello":
        tokens.push(request.token);
        connections++;
        clients.add(client);
        send(client, writeHello({ client: client.id, ping: pingMs, ttl, user: "somebody" }));
        return request.subs.forEach(({ topic, position }, index) =>
          subscribe(client, request.id + 1 + index, topic, position),
        );
      case "auth":
        tokens.push(request.token);
        return send(client, writeOk(request.id, { ttl }));
      case "sub":
        return subscribe(client, request.id, request.topic, request.position, request.last);
      case "unsub":
        return void topicOf(request.topic).live.delete(client);
      case "pub":
        return publish(client, request);
      case "call":
        return send(client, writeOk(request.id, {}, request.payload?.binary === false ? request.payload.json : "null"));
      case "back": {
        const { ring, top, epoch } = topicOf(request.topic);
        const before = ring.filter(({ offset }) => offset < (request.before ?? Infinity));
        const page = before.slice(-(request.max ?? 100));
        const more = page.length < before.length ? true : undefined;
        send(client, writeOk(request.id, { o: top, e: epoch, page: page.length, more }));
        return page.forEach(({ frame }) => send(client, frame));
      }
      case "who":
        return send(client, writeMembers(request.id, { n: 1, v: 1, in: [["somebody"]] }));
      case "count":
        return send(client, writeOk(request.id, { n: topicOf(request.topic).live.size }));
      case "ok":
        return void answers.push(request.payload?.binary === false ? request.payload.value : undefined);
      case "err":
        return void answers.push(request.code);
      case "cancel":
        return;
    }
  }

  const server: Server = createServer({
    subprotocols: [SUBPROTOCOL],
    logLevel: "silent",
    allowedOrigins: origin === undefined ? [] : [origin],
    message(client, message) {
      const request = message.isBinary ? readBinaryRequest(message.bytes) : readRequest(message.text());
      if (request.verb === "fault") client.send(writeErr(request.id, request.code, request.sentence));
      else hear(client, request);
    },
    close(client) {
      clients.delete(client);
      for (const { live } of topics.values()) live.delete(client);
    },
  });
  const address = await server.listen(port, "127.0.0.1");

  const hub: TestHub = {
    url: address.url,
    port: address.port,
    deaf: false,
    tokens,
    answers,
    get connections() {
      return connections;
    },
    get open() {
      return clients.size;
    },
    publish: (topic, data) => store(topic, (offset) => writePub(topic, JSON.stringify(data), offset)),
    top: (topic) => topicOf(topic).top,
    ask(name, input) {
      for (const client of clients) client.send(writeCall(name, "s1", JSON.stringify(input)));
    },
    cut() {
      for (const client of clients) client.terminate();
      clients.clear();
    },
    stop: () => server.close().then(() => {}),
  };
  return hub;
}
