/** A client with a stepped clock, fake sockets and a page of the test's own. */
import assert from "node:assert/strict";
import type { State, TokenSource } from "@hawser/client";
import { type Request, writeErr, writeHello, writeOk, writePub } from "@hawser/wire/server";
import { bytes } from "#client/bytes.js";
import type { AskHandler } from "#client/calls.js";
import { fullTopic, type Topic } from "#client/full-topic.js";
import { type AnyLive, goLive } from "#client/live.js";
import { FakeSocket } from "./fake-socket.js";
import { settled, StepTime } from "./step-time.js";

export const PING_MS = 25_000;

export class Rig {
  readonly time = new StepTime();
  readonly sockets: FakeSocket[] = [];
  readonly page = Object.assign(new EventTarget(), {
    document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
  });
  /** What was thrown by the application's functions. */
  readonly reported: unknown[] = [];
  readonly states: State[] = [];
  /** What the dice show, for the delays. */
  random = 0.5;
  readonly live: AnyLive<Topic<unknown>>;

  constructor({
    token,
    asks = {},
    construct = (url, protocol) => new FakeSocket(url, protocol),
  }: {
    token?: TokenSource | undefined;
    asks?: Readonly<Record<string, AskHandler>>;
    construct?: (url: string, protocol: string) => FakeSocket;
  } = {}) {
    const { sockets } = this;
    const WebSocket = function (url: string, protocol: string): FakeSocket {
      assert.ok(
        sockets.every(({ state }) => state === "closed"),
        "the old socket is closed before the new one is made",
      );
      const socket = construct(url, protocol);
      sockets.push(socket);
      return socket;
    } as unknown as new (url: string, protocol: string) => FakeSocket;
    this.live = goLive(fullTopic, bytes, "ws://hub.test/", token, asks, {
      clock: this.time,
      random: () => this.random,
      WebSocket,
      page: this.page,
      report: (error) => this.reported.push(error),
    });
    this.live.state.subscribe((state) => this.states.push(state));
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    assert.ok(socket, "there is no socket yet");
    return socket;
  }

  get state(): State {
    return this.live.state.current;
  }

  get phase(): string {
    return this.state.phase;
  }

  /** Accepts the connection that is under way, and its hello. */
  async open({ ttl, ping = PING_MS }: { ttl?: number; ping?: number } = {}): Promise<FakeSocket> {
    await settled();
    this.socket.accept();
    this.socket.receive(writeHello({ client: "c1", ping, ttl, user: "u1" }));
    await settled();
    return this.socket;
  }

  /** The connection is lost, and there is another one. */
  async reopen(): Promise<FakeSocket> {
    const { random } = this;
    this.random = 0;
    this.socket.end();
    await this.time.advance(0);
    this.random = random;
    return this.open();
  }

  /** Answers the last request of this kind. */
  ok(verb: Request["verb"], answer: Parameters<typeof writeOk>[1] = {}, data?: string): void {
    this.socket.receive(writeOk(idOf(this.socket.last(verb)), answer, data));
  }

  err(verb: Request["verb"], code: string, retry?: number): void {
    this.socket.receive(writeErr(idOf(this.socket.last(verb)), code, "no", retry));
  }

  pub(topic: string, data: unknown, offset?: number, by?: string): void {
    this.socket.receive(writePub(topic, JSON.stringify(data), offset, by));
  }

  event(name: string): void {
    this.page.dispatchEvent(new Event(name));
  }

  visibility(state: "visible" | "hidden"): void {
    this.page.document.visibilityState = state;
    this.page.document.dispatchEvent(new Event("visibilitychange"));
  }
}

function idOf(request: Request): number {
  return "id" in request ? request.id : 0;
}
