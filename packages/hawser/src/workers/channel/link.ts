import { connect, type Socket } from "node:net";
import { runOutside } from "../../server/base/async-context.js";
import type { EngineAddress } from "./engine-listener.js";
import { type FieldReader, FrameReader } from "./frame-reader.js";
import { CHANNEL_VERSION, kinds } from "./kinds.js";
import { Outgoing } from "./outgoing.js";

export interface LinkPort {
  /** The engine knows this worker; nothing of a former connection is left there. */
  opened(): void;
  frame(fields: FieldReader): void;
  /** Whatever was sent and has no answer may have happened. */
  lost(why: string): void;
}

const FIRST_WAIT_MS = 20;
const MOST_WAIT_MS = 1000;
/** The engine's process has to take the hello within. */
const HELLO_MS = 2000;
/** Whatever the engine answers with: it is bounded there. */
const ANY_BYTES = 2 ** 31 - 1;

/** A worker's connection to the engine. One that is lost is made anew until it is closed. */
export class Link {
  readonly #address: EngineAddress;
  readonly #node: string;
  readonly #port: LinkPort;
  #socket: Socket | undefined;
  #outgoing: Outgoing | undefined;
  #isOpen = false;
  #isClosed = false;
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Why there is none. */
  why = "the supervisor was not reached yet";

  constructor(address: EngineAddress, node: string, port: LinkPort) {
    this.#address = address;
    this.#node = node;
    this.#port = port;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Where frames go while it is open. */
  get outgoing(): Outgoing {
    return this.#outgoing!;
  }

  connect(): void {
    const { path, secret } = this.#address;
    const socket = connect({ path });
    const frames = new FrameReader(ANY_BYTES);
    const outgoing = new Outgoing(socket);
    this.#socket = socket;
    this.#outgoing = outgoing;
    const fail = (error: Error): void => void socket.destroy(error);
    this.#timer = runOutside(() => setTimeout(() => fail(new Error("the supervisor did not answer")), HELLO_MS));
    socket.on("connect", () => {
      outgoing.frames.begin(kinds.hello, 0).count(CHANNEL_VERSION).text(secret).text(this.#node);
      outgoing.end();
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        frames.push(chunk);
        for (let fields = frames.next(); fields !== undefined && !socket.destroyed; fields = frames.next()) {
          this.#onFrame(fields);
        }
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.on("error", ({ message }) => (this.why = `the supervisor cannot be reached: ${message}`));
    socket.once("close", () => this.#onLost());
  }

  /** Begins again with a new connection. */
  drop(why: string): void {
    this.#socket?.destroy(new Error(why));
  }

  close(): void {
    this.#isClosed = true;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.why = "the broker is closed";
  }

  #onFrame(fields: FieldReader): void {
    if (this.#isOpen) return this.#port.frame(fields);
    clearTimeout(this.#timer);
    this.#isOpen = true;
    this.#attempts = 0;
    this.#port.opened();
  }

  #onLost(): void {
    clearTimeout(this.#timer);
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (this.#isClosed) return;
    if (wasOpen) {
      this.why = "the connection to the supervisor was lost";
      this.#port.lost(this.why);
    }
    const most = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts++);
    this.#timer = runOutside(() => setTimeout(() => this.connect(), most * (0.5 + Math.random() / 2)));
  }
}
