/** A hub behind a real server, both with their clock in the test's hand, and clients of every kind on real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import type { ContractDefinition } from "@hawser/wire";
import { type Message, readBinaryMessage, readMessage, type SubEntry, writeHello } from "@hawser/wire/client";
import type { Client, ServerOptions } from "#hawser/index.js";
import { type AuthenticateAnswer, createHub, type Hub, type HubOptions, type HubUser } from "#hawser/hub/index.js";
import { until } from "../../harness/concurrency.js";
import { LogBook, type Rig, startRig, stepUntil, turns } from "../../harness/rig.js";
import { StepClock } from "../../harness/step-clock.js";

/** A token is the name of its user; `bad` is nobody's. */
export interface TestUser extends HubUser {
  readonly user: string;
}

export function byName(token: string | undefined): TestUser | false {
  return token === undefined || token === "bad" ? false : { user: token };
}

export const everything = { subscribe: () => true, publish: () => true, presence: () => true } as const;

export interface HubRig<Contract extends ContractDefinition> {
  readonly hub: Hub<Contract>;
  readonly rig: Rig<undefined>;
  readonly clock: StepClock;
  readonly log: LogBook;
  /** A client of `hawser.v1` that has said nothing yet. */
  readonly dial: () => Promise<WireClient>;
  /** One that has said hello. */
  readonly connect: (token?: string, subs?: readonly SubEntry[]) => Promise<WireClient>;
  /** Shuts the server down, with the clock going on meanwhile. */
  readonly stop: () => Promise<void>;
  /** A client without a subprotocol, and its other end. */
  readonly plain: (path?: string) => Promise<{ peer: PlainClient; client: Client }>;
}

export async function startHub<
  const Contract extends ContractDefinition = ContractDefinition,
  Answer extends AuthenticateAnswer = undefined,
>(
  test: TestContext,
  options: HubOptions<Contract, Answer>,
  own: ServerOptions | ((hub: Hub<Contract>) => ServerOptions) = {},
): Promise<HubRig<Contract>> {
  const clock = (options.clock as StepClock | undefined) ?? new StepClock();
  const log = new LogBook();
  const hub = createHub<Contract, Answer>({ clock, logger: log, ...options });
  const rig = await startRig(test, {
    clock,
    logger: log,
    ...hub.serverOptions(typeof own === "function" ? own(hub) : own),
  });
  test.after(() => hub.close());
  const open = async <Kind extends { socket: WebSocket }>(peer: Kind): Promise<Kind> => {
    test.after(() => peer.socket.terminate());
    await once(peer.socket, "open");
    return peer;
  };
  const dial = (): Promise<WireClient> => open(new WireClient(rig.url));
  return {
    hub,
    rig,
    clock,
    log,
    dial,
    async stop() {
      let isDone = false;
      void rig.server.close().then(() => (isDone = true));
      await stepUntil(clock, () => isDone, "the end of the shutdown");
    },
    async connect(token, subs) {
      const peer = await dial();
      peer.send(writeHello(1, token, subs));
      await peer.next("hello");
      return peer;
    },
    async plain(path = "") {
      const before = rig.opened.length;
      const peer = await open(new PlainClient(rig.url + path));
      await until(() => rig.opened.length > before, "the client's open");
      return { peer, client: rig.opened.at(-1) as Client };
    },
  };
}

/** A client of `hawser.v1` as somebody would write one: what it is sent stands in `frames` until `next` takes it. */
export class WireClient {
  readonly socket: WebSocket;
  /** Not taken yet. */
  readonly frames: Message[] = [];
  /** All frames as they came, in bytes. */
  readonly raw: Buffer[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor(url: string) {
    this.socket = new WebSocket(url, "hawser.v1", { perMessageDeflate: false });
    this.socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.raw.push(data);
      const message = isBinary ? readBinaryMessage(data) : readMessage(data.toString());
      if (message === undefined) throw new Error(`no message of hawser.v1: ${data.toString().slice(0, 200)}`);
      this.frames.push(message);
    });
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on("error", () => {});
  }

  send(...frames: (string | Uint8Array)[]): void {
    for (const frame of frames) this.socket.send(frame, { binary: typeof frame !== "string" });
  }

  /** The next frame with this verb; those before it stay. */
  async next<Verb extends Message["verb"]>(
    verb: Verb,
    accepts: (message: Extract<Message, { verb: Verb }>) => boolean = () => true,
  ): Promise<Extract<Message, { verb: Verb }>> {
    type Found = Extract<Message, { verb: Verb }>;
    const at = (): number => this.frames.findIndex((message) => message.verb === verb && accepts(message as Found));
    await until(
      () => at() >= 0 || this.closed !== undefined,
      `${verb} among ${JSON.stringify(this.frames.slice(0, 20))}`,
    );
    if (at() < 0) throw new Error(`closed with ${this.closed?.code} before ${verb}; ${JSON.stringify(this.frames)}`);
    return this.frames.splice(at(), 1)[0] as Found;
  }

  /** The answer to a request. */
  async answer(id: number): Promise<Extract<Message, { verb: "ok" | "err" }>> {
    const isIt = (message: Message): boolean =>
      (message.verb === "ok" && message.ok === id) || (message.verb === "err" && message.err === id);
    await until(
      () => this.frames.some(isIt) || this.closed !== undefined,
      `the answer to ${id} among ${JSON.stringify(this.frames.slice(0, 20))}`,
    );
    const at = this.frames.findIndex(isIt);
    if (at < 0) throw new Error(`closed with ${this.closed?.code} before the answer to ${id}`);
    return this.frames.splice(at, 1)[0] as Extract<Message, { verb: "ok" | "err" }>;
  }

  /** Sends a request, and its answer. */
  async ask(id: number, frame: string | Uint8Array): Promise<Extract<Message, { verb: "ok" | "err" }>> {
    this.send(frame);
    return this.answer(id);
  }

  /** All that came of a topic so far, in order, taken out. */
  taken(verb: Message["verb"]): Message[] {
    const found = this.frames.filter((message) => message.verb === verb);
    for (const message of found) this.frames.splice(this.frames.indexOf(message), 1);
    return found;
  }

  /** What it was closed with. */
  async end(): Promise<{ code: number; reason: string }> {
    await until(() => this.closed !== undefined, "the end of the connection");
    return this.closed!;
  }

  close(): void {
    this.socket.close();
  }

  /** As when the network is gone. */
  cut(): void {
    this.socket.terminate();
  }
}

/** A client without a subprotocol. */
export class PlainClient {
  readonly socket: WebSocket;
  readonly received: (string | Buffer)[] = [];

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, headers });
    this.socket.on("message", (data: Buffer, isBinary: boolean) =>
      this.received.push(isBinary ? data : data.toString()),
    );
    this.socket.on("error", () => {});
  }

  async next(): Promise<string | Buffer> {
    await until(() => this.received.length > 0, "a message");
    return this.received.shift()!;
  }
}

/** So long in steps, after each of which everybody has been heard. */
export async function goOn(clock: StepClock, ms: number, stepMs = 1000): Promise<void> {
  for (let gone = 0; gone < ms; gone += stepMs) {
    clock.advance(Math.min(stepMs, ms - gone));
    await turns(6);
  }
}

/** That an object has at least these properties. */
export function has(actual: object, expected: object): void {
  const found = Object.keys(expected).map((name) => [name, (actual as Record<string, unknown>)[name]]);
  assert.deepEqual(Object.fromEntries(found), expected, JSON.stringify(actual));
}
