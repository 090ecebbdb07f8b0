import type { Refusal } from "../api/refusal.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import type { Clock } from "../base/clock.js";
import type { DeadlineWheel } from "../base/deadlines.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import type { SessionIdentity } from "../session/session-context.js";
import type { ClientSocket, SocketReads } from "../sockets/client-socket.js";
import type { NodeInternals } from "../sockets/node-internals.js";
import type { Tracing } from "../watching/tracing.js";
import type { RequestHead } from "./request.js";

/** What handshakes need of their server. */
export interface UpgradePort<Data> {
  readonly isDraining: boolean;
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly internals: NodeInternals;
  /** Null: sockets are read by their `data` events. */
  readonly reads: SocketReads | null;
  /** What has come from clients and is not with their handlers. */
  readonly incoming: MemoryBudget;
  readonly places: Places;
  readonly reports: HandshakeReports;
  /** Null: responses are as the options have it. */
  readonly responses: ResponseHooks | null;
  /** What makes spans of handshakes that come now. */
  tracing(): Tracing | null;
  isIdTaken(id: string): boolean;
  /** @param early what came from the client after its handshake */
  accept(socket: ClientSocket, identity: SessionIdentity<Data>, request: UpgradeRequest, early: Buffer): void;
}

/** What another API than the library's own has a say in: hawser/ws. */
export interface ResponseHooks {
  /** @param offered the client's favourite first @returns null: none @throws what refuses the handshake */
  chooseSubprotocol(offered: readonly string[], request: UpgradeRequest): string | null;
  /** The head of a 101, line by line, before it is written: changes them in place. @throws what refuses the handshake */
  onHead(lines: string[], request: UpgradeRequest): void;
  /** @returns how it is answered; null: somebody else answers, and has the socket from now on */
  onRefused(refused: Refusal, head: RequestHead, socket: ClientSocket): Refusal | null;
}

/** The places among the clients. */
export interface Places {
  /** Takes one for a handshake; it becomes a client's, or `cancel` follows. */
  reserve(address: string): "reserved" | "client-limit" | "address-limit";
  cancel(address: string): void;
}

/** Who is told what becomes of handshakes. */
export interface HandshakeReports {
  handshake(head: RequestHead, address: string, path: string): void;
  refused(head: RequestHead, refusal: Refusal, address: string, path: string): void;
  /** The client went away before it was decided. */
  aborted(head: RequestHead): void;
  /** The application failed to decide. */
  handshakeError(address: string, error: unknown): void;
  refusalBodyError(error: unknown): void;
}
