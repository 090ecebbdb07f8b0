/** What the interop contract (../contract.ts) asks of a WebSocket client that someone else wrote. */

export interface Message {
  readonly binary: boolean;
  readonly data: Buffer;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface PeerConnection {
  /** What the client says was negotiated; undefined where its API does not tell. */
  readonly extensions: string | undefined;
  send(data: string | Uint8Array): void;
  /** The next message; rejects once the connection has closed and all messages were taken. */
  next(): Promise<Message>;
  /** Sends a ping and resolves with the payload of the pong; undefined where the client's API cannot. */
  readonly ping: ((payload: string) => Promise<string>) | undefined;
  close(code: number, reason: string): void;
  readonly closed: Promise<Closed>;
}

export interface Peer {
  /** Rejects when the handshake fails. */
  connect(url: string): Promise<PeerConnection>;
  stop(): Promise<void>;
}

export interface PeerKind {
  readonly name: string;
  /** @default false: why this client cannot be had here */
  readonly skip?: string | false;
  /** @default true */
  readonly binary?: boolean;
  /** Whether it can send and take 512 KiB in one message. @default true */
  readonly large?: boolean;
  start(): Promise<Peer>;
}

/** Messages that have come and promises that wait for one: the receiving half of every peer. */
export class Inbox {
  readonly #messages: Message[] = [];
  readonly #takers: { done: (message: Message) => void; fail: (error: Error) => void }[] = [];
  #end: Error | undefined;

  put(message: Message): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#messages.push(message);
    else taker.done(message);
  }

  end(why: string): void {
    this.#end = new Error(why);
    for (const taker of this.#takers.splice(0)) taker.fail(this.#end);
  }

  next(): Promise<Message> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((done, fail) => this.#takers.push({ done, fail }));
  }
}
