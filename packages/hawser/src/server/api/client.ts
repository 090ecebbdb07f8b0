/** A client as the application knows it: the types of the public API, the causes of its end, the reasons of a refusal. */
import type { Payload } from "../sending/message.js";
import type { SendResult } from "../sending/outbox.js";

/**
 * What a handler may return: anything. A client's next message waits for a promise, whose rejection closes the client with 1011; anything
 * else is ignored.
 */
export type HandlerResult = unknown;

export type HandlerName = "open" | "message" | "drain" | "close";

/** One connected client. */
export interface Client<Data = unknown> {
  /** Unique among the connected: a fresh UUID unless `generateId` says otherwise. */
  readonly id: string;
  /** What `authenticate` or `data` returned. Yours to change. */
  data: Data;
  /** The client's IP address; behind a trusted proxy the one it speaks for. An attribute, not an identity. */
  readonly address: string;
  /** Path of the handshake's request, without the query. */
  readonly path: string;
  /** The subprotocol that was agreed on, "" if none. */
  readonly subprotocol: string;
  /** Whether permessage-deflate was agreed on. */
  readonly isCompressed: boolean;
  /** When it connected, in milliseconds by the server's clock. */
  readonly connectedAt: number;

  /** Whether messages can be sent: nobody has begun to close the connection. */
  readonly isOpen: boolean;
  /** Bytes of messages that were sent and have not left the process. What they cost in memory counts for `maxBacklogBytes`, and is more. */
  readonly bufferedBytes: number;
  /** Round-trip time of the last ping in whole milliseconds; null before the first pong. */
  readonly rttMs: number | null;
  /** Totals of this connection: whole messages, and their payload bytes before compression. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Messages that were not sent because this client was too slow. */
  readonly dropped: number;
  /** The topics it is subscribed to. */
  readonly topics: ReadonlySet<string>;

  /**
   * Sends a message: a string as text, bytes as binary, a received message as what it was. Never throws for what the client does. Bytes
   * are copied: the buffer is yours again.
   * @param options.key what the message is an update of, for the overflow policy `latest-per-key`
   */
  send(payload: Payload, options?: { key?: string | undefined }): SendResult;

  /**
   * Waits until all that was sent to this client before has left the process: it is handed to the kernel at once, with what this turn has
   * gathered, and as fast as the client takes it. That the client has read it, only the client can say.
   * @returns resolves with true when it has left, but for what `overflow` dropped; with false when the client is gone, or closed for being
   * too slow. Never rejects, and waits no longer than the client is there
   */
  flush(): Promise<boolean>;

  /** Receives what is published to the topic from now on. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;

  /**
   * Closes the connection, with the messages sent so far delivered first (RFC 6455 7.1.2). Nothing happens when it is closing already.
   * @param code @default 1000
   * @throws UsageError for a code that must not be sent, or a reason past 123 bytes
   */
  close(code?: number, reason?: string): void;
  /** Cuts the connection at once, without a close frame: the client sees 1006. */
  terminate(): void;

  /** What `JSON.stringify`, a logger and `console.log` show of it; `data` is not among it. */
  toJSON(): ClientSummary;
}

/** A client in a log line. */
export type ClientSummary = Readonly<
  Pick<
    Client,
    "id" | "address" | "path" | "messagesIn" | "messagesOut" | "bytesIn" | "bytesOut" | "dropped" | "bufferedBytes"
  >
>;
