import type { DeflateParameters } from "../../protocol/deflate-negotiation.js";
import type { PayloadMemory } from "../../protocol/payload-memory.js";
import type { Disconnect } from "../api/causes.js";
import type { Client, HandlerName } from "../api/client.js";
import type { CarriesStores } from "../base/async-context.js";
import type { Clock } from "../base/clock.js";
import type { DeadlineWheel } from "../base/deadlines.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import type { OutboxSettings, SendResult } from "../sending/outbox.js";
import type { CompressionSettings, Outgoing } from "../sending/outgoing.js";
import type { Subscriber, Topics } from "../sending/topics.js";
import type { SocketReads } from "../sockets/client-socket.js";
import type { Counters } from "../watching/stats.js";
import type { ConnectionTrace } from "../watching/tracing.js";
import type { ConnectedClient } from "./connected-client.js";
import type { HandlerRunner } from "./handler-runner.js";
import type { PingSource } from "./heartbeat.js";

/** The options that concern one client; see `ServerOptions`. */
export interface SessionSettings {
  readonly pongWaitMs: number;
  readonly pingPeriodMs: number;
  readonly writeWaitMs: number;
  readonly messageTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
  readonly maxMessageBytes: number;
  readonly maxControlFramesPerSecond: number;
}

/** One of those that a message is published to. */
export interface Recipient<Data> extends Subscriber {
  readonly client: Client<Data>;
  /** Sends a message that others may be sent as well. */
  deliver(message: Outgoing, key: string | null): SendResult;
}

/** What a session needs of its server. */
export interface SessionContext<Data> {
  readonly settings: SessionSettings;
  readonly runner: HandlerRunner<Data>;
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly pings: PingSource;
  readonly outboxes: OutboxSettings;
  readonly compression: CompressionSettings;
  readonly memory: PayloadMemory;
  /** What has come from all clients and is not with their handlers. */
  readonly incoming: MemoryBudget;
  readonly topics: Topics<Recipient<Data>>;
  readonly stats: Counters;
  /** Null: its sessions are those of a server. A client masks its frames (RFC 6455 5.3). */
  readonly nextMaskingKey: (() => number) | null;
  /** See `Connection`. */
  readonly hearsWhileClosing: boolean;
  /** Null: Node's public API alone is used. */
  readonly reads: SocketReads | null;
  /** Null: each client has an async context of its own. */
  readonly carriesStores: CarriesStores | null;
  /** A handler threw, or its promise was rejected. */
  onHandlerError(client: ConnectedClient<Data>, handler: HandlerName, error: unknown): void;
  /** The connection is over; the client is not to be counted any more. */
  onDisconnect(client: ConnectedClient<Data>, disconnect: Disconnect): void;
}

/** What the handshake found out about a client. */
export interface SessionIdentity<Data> {
  readonly id: string;
  readonly data: Data;
  readonly address: string;
  readonly path: string;
  readonly subprotocol: string;
  readonly deflate: DeflateParameters | null;
  readonly trace: ConnectionTrace | null;
}
