import { inspect } from "node:util";
import type { Client, ClientSummary } from "../api/client.js";
import { readOnly } from "../base/read-only.js";
import type { Payload } from "../sending/message.js";
import type { SendResult } from "../sending/outbox.js";

/** What a session does and tells for the application: all of a client but `data`. */
export type ClientSession = Omit<Client, "data" | "toJSON">;

/** The session behind a client. */
export let sessionOf: (client: ConnectedClient<unknown>) => ClientSession;

/**
 * What the application holds of a session: the documented members alone, on an object from which neither the server's internals nor
 * another client can be reached. Its own properties are none, so that no logger prints what `data` holds.
 */
export class ConnectedClient<Data> implements Client<Data> {
  static {
    sessionOf = (client) => client.#session;
    // For `console.log`. Not a member: what its name computes to no declaration can say.
    Object.defineProperty(this.prototype, inspect.custom, {
      value(this: ConnectedClient<unknown>, _depth: number, options: object) {
        return `Client ${inspect(this.toJSON(), options)}`;
      },
    });
  }

  readonly #session: ClientSession;
  #data: Data;

  constructor(session: ClientSession, data: Data) {
    this.#session = session;
    this.#data = data;
  }

  get data(): Data {
    return this.#data;
  }

  set data(data: Data) {
    this.#data = data;
  }

  get id(): string {
    return this.#session.id;
  }

  get address(): string {
    return this.#session.address;
  }

  get path(): string {
    return this.#session.path;
  }

  get subprotocol(): string {
    return this.#session.subprotocol;
  }

  get isCompressed(): boolean {
    return this.#session.isCompressed;
  }

  get connectedAt(): number {
    return this.#session.connectedAt;
  }

  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  get bufferedBytes(): number {
    return this.#session.bufferedBytes;
  }

  get rttMs(): number | null {
    return this.#session.rttMs;
  }

  get messagesIn(): number {
    return this.#session.messagesIn;
  }

  get messagesOut(): number {
    return this.#session.messagesOut;
  }

  get bytesIn(): number {
    return this.#session.bytesIn;
  }

  get bytesOut(): number {
    return this.#session.bytesOut;
  }

  get dropped(): number {
    return this.#session.dropped;
  }

  get topics(): ReadonlySet<string> {
    return readOnly(this.#session.topics);
  }

  send(payload: Payload, options?: { key?: string | undefined }): SendResult {
    return this.#session.send(payload, options);
  }

  flush(): Promise<boolean> {
    return this.#session.flush();
  }

  subscribe(topic: string): void {
    this.#session.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#session.unsubscribe(topic);
  }

  close(code?: number, reason?: string): void {
    this.#session.close(code, reason);
  }

  terminate(): void {
    this.#session.terminate();
  }

  toJSON(): ClientSummary {
    const { id, address, path, messagesIn, messagesOut, bytesIn, bytesOut, dropped, bufferedBytes } = this.#session;
    return { id, address, path, messagesIn, messagesOut, bytesIn, bytesOut, dropped, bufferedBytes };
  }
}
