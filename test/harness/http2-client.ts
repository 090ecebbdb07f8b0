/** A client of WebSockets over HTTP/2 (RFC 8441) that decides about every frame, as `RawClient` does over HTTP/1.1. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Settings,
} from "node:http2";
import type { TestContext } from "node:test";
import { until } from "./concurrency.js";
import { CLOSE, encodeFrame, type Frame, FrameReader, type FrameSpec, frame, PING } from "./frames.js";

export const { NGHTTP2_CANCEL: CANCEL, NGHTTP2_NO_ERROR: NO_ERROR } = constants;

/** What a handshake's stream was answered with. */
export interface StreamResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One session: a connection with any number of streams. */
export class Http2Peer {
  readonly session: ClientHttp2Session;
  /** Codes of the GOAWAY frames that came. */
  readonly goaways: number[] = [];

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on("error", () => {});
    session.on("goaway", (code) => this.goaways.push(code));
  }

  /** Connects, and waits for the server's settings. It is gone with the test. */
  static async connect(test: TestContext, url: string, settings: Settings = {}): Promise<Http2Peer> {
    const at = url.replace(/^ws/, "http");
    const peer = new Http2Peer(connect(at, { rejectUnauthorized: false, settings }));
    test.after(() => peer.session.destroy());
    await once(peer.session, "remoteSettings");
    return peer;
  }

  /** Asks for a WebSocket. Headers that are undefined are left out. */
  request(headers: OutgoingHttpHeaders = {}, endStream = false): StreamClient {
    const all = {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":path": "/",
      "sec-websocket-version": "13",
      ...headers,
    };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new StreamClient(this.session.request(given, { endStream }));
  }

  /** The same, and checks that it is accepted. */
  async open(headers: OutgoingHttpHeaders = {}): Promise<StreamClient> {
    const client = this.request(headers);
    const response = await client.response();
    assert.equal(response.status, 200, response.body);
    return client;
  }

  /** The whole answer to a handshake that is refused, or to what is none. */
  async ask(headers: OutgoingHttpHeaders): Promise<StreamResponse> {
    const client = this.request(headers);
    const { status, headers: received } = await client.response();
    await client.ended();
    return { status, headers: received, body: client.text };
  }

  /** An ordinary request. */
  async get(path: string): Promise<StreamResponse> {
    const client = new StreamClient(this.session.request({ ":path": path }), false);
    const { status, headers } = await client.response();
    await client.ended();
    return { status, headers, body: client.text };
  }

  async closed(): Promise<void> {
    await until(() => this.session.destroyed, "the end of the session");
  }
}

/** One stream. It answers close frames never, and pings while it waits for an echo. */
export class StreamClient {
  readonly stream: ClientHttp2Stream;
  /** Rules of RFC 6455 that the server broke. */
  readonly violations: string[];
  readonly #reader: FrameReader = new FrameReader();
  readonly #frames: Frame[] = [];
  #framesRead = 0;
  #head: IncomingHttpHeaders | null = null;
  #text = "";
  #hasEnded = false;

  /** @param isWebSocket whether a 200 is followed by frames */
  constructor(stream: ClientHttp2Stream, isWebSocket = true) {
    this.stream = stream;
    this.violations = this.#reader.violations;
    stream.on("error", () => {});
    stream.on("response", (headers) => (this.#head = headers));
    stream.on("end", () => (this.#hasEnded = true));
    stream.on("data", (chunk: Buffer) => {
      if (!isWebSocket || Number(this.#head?.[":status"]) !== 200) this.#text += chunk.toString();
      else this.#frames.push(...this.#reader.push(chunk));
    });
  }

  /** The body of what is no WebSocket. */
  get text(): string {
    return this.#text;
  }

  async response(): Promise<StreamResponse> {
    await until(() => this.#head !== null || this.stream.destroyed, "a response");
    assert.ok(this.#head, `the stream was reset instead: ${this.stream.rstCode}`);
    return { status: Number(this.#head[":status"]), headers: this.#head, body: this.#text };
  }

  sendFrame(spec: FrameSpec): void {
    this.stream.write(encodeFrame(spec));
  }

  async nextFrame(): Promise<Frame | undefined> {
    await until(() => this.#frames.length > this.#framesRead || this.#isOver, "a frame");
    return this.#frames[this.#framesRead++];
  }

  async echo(text: string): Promise<void> {
    this.sendFrame(frame.text(text));
    for (;;) {
      const next = await this.nextFrame();
      if (next?.opcode === PING) this.sendFrame(frame.pong(next.payload));
      else return assert.equal(next?.payload.toString(), text);
    }
  }

  /** The code of the next frame, which has to be a close frame. */
  async closeCode(): Promise<number> {
    const last = await this.nextFrame();
    assert.equal(last?.opcode, CLOSE);
    return last.payload.readUInt16BE(0);
  }

  /** Ends our side. */
  end(): void {
    this.stream.end();
  }

  reset(code: number = CANCEL): void {
    this.stream.close(code);
  }

  /** Waits for the server to end its side, one way or another. */
  async ended(): Promise<void> {
    await until(() => this.#isOver, "the end of the server's side");
  }

  /** Waits for the end of both sides. @returns the code of the RST_STREAM that ended it, NO_ERROR where there was none */
  async closed(): Promise<number> {
    await until(() => this.stream.destroyed, "the end of the stream");
    return this.stream.rstCode ?? NO_ERROR;
  }

  get #isOver(): boolean {
    return this.#hasEnded || this.stream.destroyed;
  }
}
