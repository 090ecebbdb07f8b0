/** One client connection of the load generator: a lean socket, its handshake, and then whatever `onBytes` makes of what comes. */

import { encodeFrame } from "#hawser/protocol/encoder.js";
import { TEXT } from "#hawser/protocol/opcodes.js";
import type { SocketOwner } from "#hawser/server/sockets/client-socket.js";
import type { LeanSocket } from "#hawser/server/internals/lean-socket.js";
import { LeanSockets } from "#hawser/server/internals/lean-sockets.js";
import { FrameCounter } from "./frame-counter.js";

export type Dialect = "websocket" | "socketio";

export interface Target {
  readonly port: number;
  readonly dialect: Dialect;
  /** Offer permessage-deflate. */
  readonly compression: boolean;
}

/** A frame as a client has to send it. The key does not matter to the server's work, as long as there is one. */
export function masked(text: string): Buffer {
  return encodeFrame(TEXT, text, { maskingKey: 0x12345678 });
}

/** Socket.IO, after its WebSocket is open: a client asks for the default namespace. https://socket.io/docs/v4/socket-io-protocol/ */
const NAMESPACE_REQUEST = masked("40");

/** All sockets of a thread read into the same memory: each is done with it before the next one reads. */
const sockets = LeanSockets.detect();

export class Connection implements SocketOwner {
  /** What came, once the handshake is over: `bytes[0, length)`, gone after the call. */
  onBytes: (length: number, bytes: Uint8Array) => void = () => {};
  /** It takes more. */
  onDrain: () => void = () => {};
  /** The handshake is over. */
  readonly ready: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  readonly #socket: LeanSocket;
  readonly #target: Target;
  #handshake = "";
  #isReady = false;
  #hasAsked = false;

  constructor(target: Target, path: string) {
    if (sockets === null) throw new Error("the load generator needs the TCP handles of Node, and this Node has none");
    const { promise, resolve, reject } = deferred();
    this.ready = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#target = target;
    this.#socket = sockets.connect("127.0.0.1", target.port, this);
    this.#socket.write(Buffer.from(handshakeRequest(target, path), "latin1"));
  }

  /** @returns whether it takes more; if not, `onDrain` is called when it does */
  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** With a reset: 5,000 connections in TIME_WAIT would take the ports of the next round. */
  end(): void {
    this.#socket.reset();
  }

  onData(bytes: Buffer, length: number): void {
    if (this.#isReady) this.onBytes(length, bytes);
    else this.#onHandshake(bytes.toString("latin1", 0, length));
  }

  onEnd(): void {
    this.#socket.destroy();
  }

  onClosed(): void {
    this.#reject(new Error(`the server closed a connection: ${this.#socket.error ?? "without an error"}`));
  }

  #onHandshake(text: string): void {
    this.#handshake += text;
    if (!this.#handshake.includes("\r\n\r\n")) return;
    if (!this.#handshake.startsWith("HTTP/1.1 101 ")) {
      this.#reject(new Error(`refused: ${this.#handshake.slice(0, 80)}`));
      return;
    }
    if (this.#target.dialect === "socketio") {
      // Two packets, by their frames: they may be compressed. "0{…}" opens, and "40{…}" grants what we ask for in between.
      const rest = Buffer.from(this.#handshake.slice(this.#handshake.indexOf("\r\n\r\n") + 4), "latin1");
      const packets = new FrameCounter().count(rest, rest.length);
      if (packets > 0 && !this.#hasAsked) {
        this.#hasAsked = true;
        this.write(NAMESPACE_REQUEST);
      }
      if (packets < 2) return;
    }
    this.#isReady = true;
    this.#handshake = "";
    this.#resolve();
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Who waits for it sees the error; a connection that is lost later has nobody waiting.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function handshakeRequest({ dialect, compression }: Target, path: string): string {
  const url = dialect === "socketio" ? `/socket.io/?EIO=4&transport=websocket&at=${path}` : path;
  // No Origin: a client that is no browser. Offered as browsers offer it.
  const extensions = compression ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "";
  return (
    `GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${extensions}` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
  );
}

/** Opens one connection for each path, at most `atOnce` handshakes at a time. `onReady` gets the duration of each in milliseconds. */
export async function openAll(
  target: Target,
  paths: readonly string[],
  atOnce: number,
  onReady: (milliseconds: number) => void = () => {},
): Promise<Connection[]> {
  const connections: Connection[] = [];
  let next = 0;
  async function openSome(): Promise<void> {
    for (let at = next++; at < paths.length; at = next++) {
      const since = performance.now();
      const connection = new Connection(target, paths[at]!);
      connections[at] = connection;
      await connection.ready;
      onReady(performance.now() - since);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, paths.length) }, openSome));
  return connections;
}
