/** One client connection of the load generator: a lean socket, its handshake, and then whatever `onBytes` makes of what comes. */

import type { SocketOwner } from "#hawser/server/sockets/client-socket.js";
import type { LeanSocket } from "#hawser/server/internals/lean-socket.js";
import { LeanSockets } from "#hawser/server/internals/lean-sockets.js";
import { FrameCounter } from "./frame-counter.js";
import { type Opening, openingOf, type Place, type Target } from "./opening.js";

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
  readonly #opening: Opening;
  #handshake = "";
  #isReady = false;
  #hasAsked = false;

  constructor(target: Target, place: Place) {
    if (sockets === null) throw new Error("the load generator needs the TCP handles of Node, and this Node has none");
    const { promise, resolve, reject } = deferred();
    this.ready = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#opening = openingOf(target, place);
    this.#socket = sockets.connect("127.0.0.1", target.port, this);
    this.#socket.write(Buffer.from(handshakeRequest(this.#opening, target.compression), "latin1"));
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
    if (!this.#isIn()) return;
    this.#isReady = true;
    this.#handshake = "";
    this.#resolve();
  }

  /** Has its say when it is time, and looks whether it was told all that it waits for. */
  #isIn(): boolean {
    const { words, after, answers, expected } = this.#opening;
    if (words === null) return true;
    const rest = this.#handshake.slice(this.#handshake.indexOf("\r\n\r\n") + 4);
    // By their frames: they may be compressed.
    const messages = new FrameCounter().count(Buffer.from(rest, "latin1"), rest.length);
    if (messages >= after && !this.#hasAsked) {
      this.#hasAsked = true;
      this.write(words);
    }
    if (messages < answers) return false;
    const missing = expected.find((text) => !rest.includes(text));
    if (missing !== undefined) this.#reject(new Error(`not told ${missing}: ${rest.slice(0, 200)}`));
    return missing === undefined;
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

function handshakeRequest({ url, subprotocol }: Opening, compression: boolean): string {
  // No Origin: a client that is no browser. Offered as browsers offer it.
  const extensions = compression ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "";
  const protocols = subprotocol === null ? "" : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  return (
    `GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${extensions}${protocols}` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
  );
}

/** Opens one connection for each place, at most `atOnce` handshakes at a time. `onReady` gets the duration of each in milliseconds. */
export async function openAll(
  target: Target,
  places: readonly Place[],
  atOnce: number,
  onReady: (milliseconds: number) => void = () => {},
): Promise<Connection[]> {
  const connections: Connection[] = [];
  let next = 0;
  async function openSome(): Promise<void> {
    for (let at = next++; at < places.length; at = next++) {
      const since = performance.now();
      const connection = new Connection(target, places[at]!);
      connections[at] = connection;
      await connection.ready;
      onReady(performance.now() - since);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, places.length) }, openSome));
  return connections;
}
