/** A WebSocket client on a raw socket that decides about every byte it sends and sees exactly how its connection ends. */
import { once } from "node:events";
import { type Socket, connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { CLOSE, CONTINUATION, PING, PONG, TEXT } from "hawser/protocol";
import type { Target } from "../tools/target.js";
import { encode, type Frame, FrameReader, type FrameSpec } from "./frames.js";
import { readResponse, type Response } from "./http.js";

/** How the server's side of the connection ended. */
export interface Ending {
  readonly how: "fin" | "reset";
  /** Milliseconds from the start of the connection. */
  readonly afterMs: number;
}

/** A close frame of the server's. 1005: it had no code. */
export interface ClosedBy {
  readonly code: number;
  readonly reason: string;
}

export interface Received {
  readonly type: "text" | "binary" | "ping" | "pong";
  readonly payload: Buffer;
  /** Milliseconds from the start of the connection. */
  readonly atMs: number;
}

export interface PeerOptions {
  /** Answers pings, and a close frame with the same code, as RFC 6455 5.5 asks. @default true */
  readonly isPolite?: boolean;
  /** Answers the text "2" with "3": how Engine.IO asks whether a client is there. @default false */
  readonly speaksEngineIo?: boolean;
  /** Whether `received` has messages, besides pings and pongs. @default true */
  readonly keepsMessages?: boolean;
  /** @default a free one */
  readonly localPort?: number;
  /** @default as the system chooses */
  readonly localAddress?: string;
  readonly timeoutMs: number;
}

/** Nothing that is checked needs more, of messages or of pings and pongs, and a server may send without end. */
const KEPT_EVENTS = 4000;
const KEPT_BYTES = 1024;

export class Peer {
  readonly socket: Socket;
  /** Set when the answer to the handshake has come. */
  response: Response | undefined;
  /** The answer was no HTTP. */
  isGarbage = false;
  readonly received: Received[] = [];
  closed: ClosedBy | undefined;
  ending: Ending | undefined;

  readonly #tcp: Socket;
  readonly #options: PeerOptions;
  readonly #reader: FrameReader = new FrameReader((frame) => this.#onFrame(frame));
  readonly #startedAt: number;
  readonly #waiting = new Set<() => void>();
  readonly #kept = { messages: 0, controls: 0 };
  #head: Buffer | undefined = Buffer.alloc(0);

  private constructor(socket: Socket, tcp: Socket, startedAt: number, options: PeerOptions) {
    this.socket = socket;
    this.#tcp = tcp;
    this.#startedAt = startedAt;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd("fin"));
    socket.on("error", () => this.#onEnd("reset"));
    socket.on("close", () => this.#onEnd("reset"));
  }

  /**
   * A connection on which nothing has been sent yet.
   * @throws the socket's error, such as ECONNREFUSED, or ETIMEDOUT after `timeoutMs`
   */
  static async connect(target: Target, options: PeerOptions): Promise<Peer> {
    const startedAt = performance.now();
    const { localPort, localAddress } = options;
    const tcp = connectTcp({
      host: target.address,
      port: target.port,
      allowHalfOpen: true,
      ...(localPort === undefined ? {} : { localPort }),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const name = target.url.hostname.replace(/^\[|\]$/g, "");
    const socket = target.isSecure
      ? // The certificate is not what is checked, and on a developer's machine it is self-signed.
        connectTls({ socket: tcp, rejectUnauthorized: false, ...(isIP(name) ? {} : { servername: name }) })
      : tcp;
    await new Promise<void>((done, fail) => {
      const timer = setTimeout(() => {
        tcp.destroy();
        fail(Object.assign(new Error("no connection in time"), { code: "ETIMEDOUT" }));
      }, options.timeoutMs);
      const failed = (error: Error): void => {
        clearTimeout(timer);
        fail(error);
      };
      socket.once(target.isSecure ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        done();
      });
      socket.once("error", failed);
      if (socket !== tcp) tcp.once("error", failed);
    });
    return new Peer(socket, tcp, startedAt, options);
  }

  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  get isOver(): boolean {
    return this.ending !== undefined;
  }

  /** Rules of RFC 6455 that the server's frames broke. */
  get violations(): ReadonlySet<string> {
    return this.#reader.violations;
  }

  /** Sends a request head and waits for the answer; undefined: none came in time, or none that is HTTP. */
  async request(head: string, timeoutMs: number = this.#options.timeoutMs): Promise<Response | undefined> {
    this.write(head);
    await this.until(() => this.response !== undefined || this.isGarbage || this.isOver, timeoutMs);
    return this.response;
  }

  /** The connection may be gone already: then nothing happens. */
  write(bytes: string | Uint8Array): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(bytes);
  }

  send(...frames: readonly FrameSpec[]): void {
    this.write(Buffer.concat(frames.map(encode)));
  }

  /**
   * Whether `condition` holds within so many milliseconds; it is asked whenever something has come. What lies there by then has come,
   * also where this process was too late to read it.
   */
  until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((done) => {
      const settle = (holds: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        done(holds);
      };
      const check = (): void => {
        if (condition()) settle(true);
      };
      // Timers come before sockets in a turn of the event loop.
      const timer = setTimeout(() => setImmediate(() => settle(condition())), Math.max(timeoutMs, 0));
      this.#waiting.add(check);
      check();
    });
  }

  /** Whether the connection ends within so many milliseconds. */
  ends(timeoutMs: number): Promise<boolean> {
    return this.until(() => this.isOver, timeoutMs);
  }

  /** Milliseconds until a ping is answered; undefined when it is not in time. */
  async ping(timeoutMs: number): Promise<number | undefined> {
    const payload = `hawser-audit ${Math.random()}`;
    const since = performance.now();
    this.send({ opcode: PING, payload });
    const isAnswered = (): boolean =>
      this.received.some(({ type, payload: echoed }) => type === "pong" && echoed.toString() === payload);
    await this.until(() => isAnswered() || this.isOver, timeoutMs);
    return isAnswered() ? performance.now() - since : undefined;
  }

  /** Whether a message with this text in it comes within so many milliseconds. */
  hears(text: string, timeoutMs: number): Promise<boolean> {
    return this.until(
      () => this.received.some(({ type, payload }) => (type === "text" || type === "binary") && payload.includes(text)),
      timeoutMs,
    );
  }

  /** What has come so far is not looked at any more. */
  forget(): void {
    this.received.length = 0;
    this.#kept.messages = this.#kept.controls = 0;
  }

  /** The closing handshake, begun by us; waits for its end, at most so many milliseconds. */
  async close(timeoutMs = 1000): Promise<void> {
    const code = Buffer.alloc(2);
    code.writeUInt16BE(1000);
    this.send({ opcode: CLOSE, payload: code });
    await this.ends(timeoutMs);
    this.destroy();
  }

  /** Our FIN: we send no more and still read. */
  end(): void {
    this.socket.end();
  }

  /** RST; resolves when the local port is free. */
  async reset(): Promise<void> {
    const isFree = this.#tcp.closed ? Promise.resolve() : once(this.#tcp, "close");
    // While our FIN is on its way libuv refuses, and Node would never close the handle.
    if (!this.#tcp.writableEnded || this.#tcp.writableFinished) this.#tcp.resetAndDestroy();
    this.socket.destroy();
    await isFree;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#head === undefined) this.#reader.push(chunk);
    else {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const response = readResponse(this.#head);
      if (response === undefined) this.isGarbage = true;
      else if (response !== null) {
        this.response = response;
        this.#head = undefined;
        if (response.status === 101) this.#reader.push(response.rest);
      }
    }
    this.#wake();
  }

  #onFrame({ opcode, payload }: Frame): void {
    if (this.response?.status !== 101) return; // the body of a refusal
    if (opcode === CLOSE) return this.#onClose(payload);
    if (opcode === PING && this.#options.isPolite !== false) this.send({ opcode: PONG, payload });
    if (opcode === PING || opcode === PONG) return this.#keep(opcode === PING ? "ping" : "pong", payload);
    // The first fragment is enough: nobody fragments what is looked for here.
    if (opcode !== CONTINUATION) this.#keep(opcode === TEXT ? "text" : "binary", payload);
    if (this.#options.speaksEngineIo === true && payload.toString() === "2") this.send({ opcode: TEXT, payload: "3" });
  }

  #onClose(payload: Buffer): void {
    this.closed ??= {
      code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005,
      reason: payload.toString("utf8", 2),
    };
    if (this.#options.isPolite !== false) this.send({ opcode: CLOSE, payload: payload.subarray(0, 2) });
  }

  #keep(type: Received["type"], payload: Buffer): void {
    const kind = type === "ping" || type === "pong" ? "controls" : "messages";
    if (kind === "messages" && this.#options.keepsMessages === false) return;
    if (this.#kept[kind]++ >= KEPT_EVENTS) return;
    this.received.push({ type, payload: Buffer.from(payload.subarray(0, KEPT_BYTES)), atMs: this.ageMs });
  }

  #onEnd(how: Ending["how"]): void {
    if (this.ending === undefined) {
      this.ending = { how, afterMs: this.ageMs };
      // Answers the server's FIN; a connection of which one half stays open would hold its place there.
      this.socket.end();
    }
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }
}
