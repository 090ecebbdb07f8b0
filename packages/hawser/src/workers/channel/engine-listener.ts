import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredMessage } from "../../hub/brokers/broker.js";
import type { MemoryEngine } from "../../hub/brokers/memory-engine.js";
import { EngineSession, type SessionPort } from "./engine-session.js";
import { FrameFault, FrameReader } from "./frame-reader.js";
import { FrameWriter } from "./frame-writer.js";
import { CHANNEL_VERSION, kinds } from "./kinds.js";
import { writeMessage } from "./values.js";

/** What a worker needs to reach the engine. */
export interface EngineAddress {
  /** Of the Unix socket. */
  readonly path: string;
  /** What the first frame has to have. */
  readonly secret: string;
}

/** What was cut, by why. */
export interface EngineFaults {
  /** It did not say hello as a worker does: another program of the same user. */
  foreign: number;
  /** A worker that sent what is no frame. */
  fault: number;
  /** A worker that did not read for too long. */
  slow: number;
}

export interface EngineListenerOptions {
  /** What may wait for one worker, in bytes; twice what one topic's history may hold has to fit. @default 33554432 (32 MiB) */
  readonly maxWaitingBytes?: number | undefined;
  readonly onCut?: ((why: keyof EngineFaults, error: Error) => void) | undefined;
}

const HELLO_BYTES = 1024;
const HELLO_MS = 2000;
/** Connections that have not said hello yet. */
const MOST_STRANGERS = 64;
/** Larger than any message: what a worker sends is bounded for the engine's process. */
export const MOST_FRAME_BYTES: number = 64 * 1024 * 1024;

/** The engine for other processes of this machine and user, behind a Unix socket in a folder of its own. */
export class EngineListener {
  readonly faults: EngineFaults = { foreign: 0, fault: 0, slow: 0 };
  readonly #port: SessionPort;
  readonly #server: Server;
  readonly #onCut: (why: keyof EngineFaults, error: Error) => void;
  readonly #sessions = new Map<string, EngineSession>();
  readonly #strangers = new Set<Socket>();
  readonly #secret = randomBytes(32).toString("base64url");
  readonly #encoder = new FrameWriter();
  #encoded: { readonly topic: string; readonly message: StoredMessage; readonly frame: Uint8Array } | undefined;
  #folder: string | undefined;

  constructor(engine: MemoryEngine, { maxWaitingBytes = 32 * 1024 * 1024, onCut }: EngineListenerOptions = {}) {
    this.#onCut = onCut ?? (() => {});
    this.#port = {
      engine,
      maxWaitingBytes,
      encode: (topic, message) => this.#encode(topic, message),
      onCut: (why, error) => this.#count(why, error),
    };
    this.#server = createServer((socket) => this.#onConnection(socket));
    // No descriptors are left, for one: who could not connect tries again.
    this.#server.on("error", () => {});
  }

  /** How many workers are connected. */
  get workers(): number {
    return this.#sessions.size;
  }

  /** @throws what `node:fs` and `node:net` do */
  async listen(): Promise<EngineAddress> {
    // Only this user may enter it: a socket has the umask's permissions for a moment.
    this.#folder = mkdtempSync(join(tmpdir(), "hawser-"));
    const path = join(this.#folder, "engine.sock");
    await new Promise<void>((listens, fail) => {
      this.#server.once("error", fail).listen(path, () => {
        this.#server.removeListener("error", fail);
        listens();
      });
    });
    chmodSync(path, 0o600);
    return { path, secret: this.#secret };
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions.values()) session.end();
    for (const stranger of this.#strangers) stranger.destroy();
    await closed;
    this.removeFolder();
  }

  /** For an end in which nothing is waited for. */
  removeFolder(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #onConnection(socket: Socket): void {
    // What becomes of it is told by its end.
    socket.on("error", () => {});
    if (this.#strangers.size >= MOST_STRANGERS) {
      socket.destroy();
      return this.#count("foreign", new Error("too many connections without a hello"));
    }
    this.#strangers.add(socket);
    const frames = new FrameReader(HELLO_BYTES);
    const timer = setTimeout(() => refuse(new Error("no hello in time")), HELLO_MS);
    const known = (): void => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
      socket.removeListener("data", onData).removeListener("close", known);
    };
    const refuse = (error: Error): void => {
      known();
      socket.destroy();
      this.#count("foreign", error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        frames.push(chunk);
        const hello = frames.next();
        if (hello === undefined) return;
        const node = this.#nodeOf(hello);
        known();
        this.#welcome(node, hello.id, socket, frames);
      } catch (error) {
        refuse(error as Error);
      }
    };
    socket.on("data", onData).once("close", known);
  }

  /** @throws FrameFault */
  #nodeOf(hello: ReturnType<FrameReader["next"]> & object): string {
    if (hello.kind !== kinds.hello) throw new FrameFault("the first frame is no hello");
    const [version, secret, node] = [hello.count(), Buffer.from(hello.text()), hello.text()];
    hello.end();
    const own = Buffer.from(this.#secret);
    if (secret.length !== own.length || !timingSafeEqual(secret, own))
      throw new FrameFault("the secret is another one");
    if (version !== CHANNEL_VERSION) {
      throw new FrameFault(
        `the worker speaks version ${version} and this process ${CHANNEL_VERSION}: Hawser was updated, start it anew`,
      );
    }
    return node;
  }

  #welcome(node: string, helloId: number, socket: Socket, frames: FrameReader): void {
    // Its connection before this one, which has not ended here yet.
    this.#sessions.get(node)?.end();
    frames.maxBytes = MOST_FRAME_BYTES;
    const session = new EngineSession(node, socket, frames, this.#port);
    this.#sessions.set(node, session);
    socket.once("close", () => {
      if (this.#sessions.get(node) === session) this.#sessions.delete(node);
    });
    session.start(helloId);
  }

  #encode(topic: string, message: StoredMessage): Uint8Array {
    if (this.#encoded?.message === message && this.#encoded.topic === topic) return this.#encoded.frame;
    this.#encoder.begin(kinds.message, 0).text(topic);
    writeMessage(this.#encoder, message);
    this.#encoder.end();
    const frame = this.#encoder.take();
    this.#encoded = { topic, message, frame };
    return frame;
  }

  #count(why: keyof EngineFaults, error: Error): void {
    this.faults[why]++;
    this.#onCut(why, error);
  }
}
