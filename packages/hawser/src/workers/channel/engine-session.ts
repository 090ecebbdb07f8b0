import type { Socket } from "node:net";
import { BrokerError, type BrokerEvents, type StoredMessage } from "../../hub/brokers/broker.js";
import type { MemoryEngine } from "../../hub/brokers/memory-engine.js";
import { type FieldReader, FrameFault, type FrameReader } from "./frame-reader.js";
import type { FrameWriter } from "./frame-writer.js";
import { kinds } from "./kinds.js";
import { Outgoing } from "./outgoing.js";
import {
  readEntry,
  readPublish,
  readReadOptions,
  writeEntry,
  writeHistory,
  writePosition,
  writePublished,
} from "./values.js";

/** More than this waits for the worker: then no more of what it asks for is done, until it has read. */
const PAUSE_BYTES = 1024 * 1024;

export interface SessionPort {
  readonly engine: MemoryEngine;
  /** What is pushed to a worker may wait for it up to here. */
  readonly maxWaitingBytes: number;
  /** The frame of a message: the same one for all workers. */
  encode(topic: string, message: StoredMessage): Uint8Array;
  /** It is cut, and why. */
  onCut(why: "fault" | "slow", error: Error): void;
}

/** One worker, as the engine's process sees it: what it asks for is done in the order that it came in. */
export class EngineSession implements BrokerEvents {
  readonly node: string;
  readonly #port: SessionPort;
  readonly #socket: Socket;
  readonly #frames: FrameReader;
  readonly #outgoing: Outgoing;
  /** Something is done that takes another turn. */
  #isBusy = false;
  #isPaused = false;
  #isOver = false;

  /** @param frames has what came behind the hello */
  constructor(node: string, socket: Socket, frames: FrameReader, port: SessionPort) {
    this.node = node;
    this.#socket = socket;
    this.#frames = frames;
    this.#port = port;
    this.#outgoing = new Outgoing(socket);
    port.engine.enter(node, this);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.#goOn());
    socket.once("close", () => this.end());
  }

  /** Answers the hello, and goes on with what has come since. */
  start(helloId: number): void {
    this.#begin(kinds.done, helloId);
    this.#outgoing.end();
    this.#work();
  }

  message(topic: string, message: StoredMessage): void {
    if (this.#hasRoom()) this.#outgoing.append(this.#port.encode(topic, message));
  }

  told(bytes: Uint8Array, from: string): void {
    if (!this.#hasRoom()) return;
    this.#begin(kinds.told, 0).data(bytes).text(from);
    this.#outgoing.end();
  }

  state(): void {}

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.engine.leave(this.node, this);
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.#frames.push(chunk);
    this.#work();
  }

  #goOn(): void {
    if (!this.#isPaused || this.#outgoing.waitingBytes > PAUSE_BYTES) return;
    this.#isPaused = false;
    this.#socket.resume();
    this.#work();
  }

  #work(): void {
    try {
      while (!this.#isOver && !this.#isBusy && !this.#isPaused) {
        const fields = this.#frames.next();
        if (fields === undefined) break;
        this.#answer(fields);
        this.#pauseIfFull();
      }
    } catch (error) {
      this.#cut("fault", error as Error);
    }
  }

  #pauseIfFull(): void {
    if (this.#outgoing.waitingBytes <= PAUSE_BYTES) return;
    this.#outgoing.flush();
    // What the system took at once does not wait.
    if (this.#outgoing.waitingBytes <= PAUSE_BYTES) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #hasRoom(): boolean {
    if (this.#isOver) return false;
    const { waitingBytes } = this.#outgoing;
    if (waitingBytes <= this.#port.maxWaitingBytes) return true;
    this.#cut("slow", new Error(`${waitingBytes} bytes wait for a worker that does not read them`));
    return false;
  }

  #cut(why: "fault" | "slow", error: Error): void {
    if (this.#isOver) return;
    this.end();
    this.#port.onCut(why, error);
  }

  #begin(kind: number, id: number): FrameWriter {
    return this.#outgoing.frames.begin(kind, id);
  }

  #done(id: number, write: (frame: FrameWriter) => void = () => {}): void {
    write(this.#begin(kinds.done, id));
    this.#outgoing.end();
  }

  #answer(fields: FieldReader): void {
    const { id } = fields;
    try {
      this.#do(fields);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.#failed(id, error);
    }
  }

  #failed(id: number, { fault, message }: BrokerError): void {
    this.#begin(kinds.failed, id).text(fault).text(message);
    this.#outgoing.end();
  }

  #do(fields: FieldReader): void {
    const { engine } = this.#port;
    const { kind, id } = fields;
    switch (kind) {
      case kinds.publish: {
        const topic = fields.text();
        const { options, bytes } = readPublish(fields);
        fields.end();
        const published = engine.publish(topic, bytes, options);
        return this.#done(id, (frame) => writePublished(frame, published));
      }
      case kinds.subscribe: {
        for (const topic of wholeTexts(fields)) engine.subscribe(topic, this);
        return this.#done(id);
      }
      case kinds.unsubscribe: {
        for (const topic of wholeTexts(fields)) engine.unsubscribe(topic, this);
        return;
      }
      case kinds.read: {
        const topic = fields.text();
        const options = readReadOptions(fields);
        fields.end();
        const history = engine.topic(topic).read(options, engine.now());
        return this.#done(id, (frame) => writeHistory(frame, history));
      }
      case kinds.heads: {
        const heads = wholeTexts(fields).map((topic) => engine.topic(topic).head);
        return this.#done(id, (frame) => heads.forEach((head) => writePosition(frame, head)));
      }
      case kinds.renew: {
        const [topic, epoch] = [engine.topic(fields.text()), fields.text()];
        fields.end();
        if (topic.epoch === epoch) topic.renew();
        return this.#done(id, (frame) => writePosition(frame, topic.head));
      }
      case kinds.tell: {
        const [bytes, node] = [fields.data(), fields.optionalText()];
        fields.end();
        engine.tell(bytes, this.node, node);
        return this.#done(id);
      }
      case kinds.ping: {
        fields.end();
        return this.#done(id);
      }
      default:
        return this.#doPresence(fields);
    }
  }

  #doPresence(fields: FieldReader): void {
    const { presence } = this.#port.engine;
    const { kind, id } = fields;
    switch (kind) {
      case kinds.lease: {
        const [node, ttlMs] = [fields.text(), fields.number()];
        fields.end();
        return this.#later(id, presence.lease(node, ttlMs), (frame, held) => frame.byte(held ? 1 : 0));
      }
      case kinds.put: {
        const [topic, entry] = [fields.text(), readEntry(fields)];
        fields.end();
        return this.#later(id, presence.put(topic, entry));
      }
      case kinds.remove: {
        const [topic, node, key] = [fields.text(), fields.text(), fields.text()];
        fields.end();
        return this.#later(id, presence.remove(topic, node, key));
      }
      case kinds.list: {
        const [topic, limit] = [fields.text(), fields.number()];
        fields.end();
        return this.#later(id, presence.list(topic, limit), (frame, entries) => {
          frame.count(entries.length);
          for (const entry of entries) writeEntry(frame, entry);
        });
      }
      case kinds.members: {
        const topic = fields.text();
        fields.end();
        return this.#later(id, presence.count(topic), (frame, count) => frame.number(count));
      }
      default:
        throw new FrameFault(`a frame of the unknown kind ${kind}`);
    }
  }

  /** Answers when it is done; until then nothing else is. */
  #later<Value>(
    id: number,
    promise: Promise<Value>,
    write: (frame: FrameWriter, value: Value) => void = () => {},
  ): void {
    this.#isBusy = true;
    const goOn = (answer: () => void): void => {
      this.#isBusy = false;
      if (this.#isOver) return;
      answer();
      this.#pauseIfFull();
      this.#work();
    };
    promise.then(
      (value) => goOn(() => this.#done(id, (frame) => write(frame, value))),
      (error: Error) => goOn(() => this.#failed(id, new BrokerError("unavailable", error.message))),
    );
  }
}

function wholeTexts(fields: FieldReader): string[] {
  const texts = fields.texts();
  fields.end();
  return texts;
}
