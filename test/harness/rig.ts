/** A server with its clock in the test's hand, on a loopback port, and everything it said and saw. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import {
  type Client,
  createServer,
  type Disconnect,
  type LogEvent,
  logEvents,
  type Logger,
  type Server,
  type ServerOptions,
  type ShutdownReport,
  type UpgradeRequest,
} from "#hawser/index.js";
import { LeanSocket } from "#hawser/server/internals/lean-socket.js";
import { until } from "./concurrency.js";
import { type ConnectOptions, RawClient } from "./raw-client.js";
import { StepClock } from "./step-clock.js";

/** One line as it was given to the logger. */
export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  text: string;
  event: string;
  [field: string]: unknown;
}

/** A logger that keeps its lines. */
export class LogBook implements Logger {
  readonly lines: LogLine[] = [];

  of(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Every line has exactly the fields that `logEvents` gives its event, and a text. */
  assertDocumented(): void {
    for (const { event, level: _level, text, ...fields } of this.lines) {
      assert.deepEqual(Object.keys(fields).toSorted(), [...logEvents[event as LogEvent]].toSorted(), event);
      assert.ok(text.length > 0);
      for (const [name, value] of Object.entries(fields)) assert.notEqual(value, undefined, `${event}.${name}`);
    }
  }

  debug(fields: object, text: string): void {
    this.#add("debug", fields, text);
  }
  info(fields: object, text: string): void {
    this.#add("info", fields, text);
  }
  warn(fields: object, text: string): void {
    this.#add("warn", fields, text);
  }
  error(fields: object, text: string): void {
    this.#add("error", fields, text);
  }

  #add(level: LogLine["level"], fields: object, text: string): void {
    this.lines.push({ event: "", ...fields, level, text });
  }
}

export interface Rig<Data> {
  readonly server: Server<Data>;
  readonly clock: StepClock;
  readonly log: LogBook;
  readonly url: string;
  readonly port: number;
  /** The clients as their `open` saw them, in order. */
  readonly opened: Client<Data>[];
  /** The requests they came with. */
  readonly requests: UpgradeRequest[];
  /** What `close` was called with, in order. */
  readonly closed: { client: Client<Data>; disconnect: Disconnect }[];
  /** A client that has upgraded, and its other end. */
  connect(options?: ConnectOptions & { at?: string }): Promise<{ peer: RawClient; client: Client<Data> }>;
  /** A TCP connection on which nothing has been sent. */
  dial(options?: ConnectOptions): Promise<RawClient>;
  /** Shuts the server down, with the clock going on meanwhile. */
  stop(options?: { graceMs?: number; reason?: string }): Promise<ShutdownReport>;
  /** Waits for the next `close` that has not been waited for. */
  nextClosed(): Promise<Disconnect>;
}

/** What servers of this process write to their sockets from now on, in order. */
export function watchWrites(test: TestContext): { socket: object; bytes: Buffer }[] {
  const writes: { socket: object; bytes: Buffer }[] = [];
  for (const { prototype } of [LeanSocket, Socket]) {
    const write = prototype.write as (...args: unknown[]) => boolean;
    test.mock.method(prototype, "write", function (this: LeanSocket | Socket, ...args: unknown[]) {
      // The other ends are in this process, too.
      if (this instanceof LeanSocket || "server" in this) writes.push({ socket: this, bytes: args[0] as Buffer });
      return write.apply(this, args);
    });
  }
  return writes;
}

export interface RigOptions {
  /** Serves through this instead of `listen`. */
  attach?: HttpServer;
  /** By `handleUpgrade`, from a listener of the test's. */
  byHand?: boolean;
}

/** With this variable set to 1 the tests run on Node's public API alone. */
export const PORTABLE = "HAWSER_TEST_PORTABLE";

/** Listens on a free port of the loopback until the test is over. */
export async function startRig<Data = undefined>(
  test: TestContext,
  options: ServerOptions<Data> = {},
  { attach, byHand = false }: RigOptions = {},
): Promise<Rig<Data>> {
  const clock = new StepClock();
  const log = new LogBook();
  const opened: Client<Data>[] = [];
  const requests: UpgradeRequest[] = [];
  const closed: { client: Client<Data>; disconnect: Disconnect }[] = [];
  const peers: RawClient[] = [];
  let closedSeen = 0;
  const server = createServer<Data>({
    clock,
    logger: log,
    portableSockets: process.env[PORTABLE] === "1",
    ...options,
    open(client, request) {
      opened.push(client);
      requests.push(request);
      return options.open?.(client, request);
    },
    close(client, disconnect) {
      closed.push({ client, disconnect });
      return options.close?.(client, disconnect);
    },
  });
  let port: number;
  if (attach === undefined) ({ port } = await server.listen(0));
  else {
    if (byHand) attach.on("upgrade", (...upgrade) => server.handleUpgrade(...upgrade));
    else server.attach(attach);
    port = await listenOn(attach);
  }
  test.after(async () => {
    await server.close({ graceMs: 0 });
    for (const peer of peers) peer.destroy();
    attach?.closeAllConnections();
    attach?.close();
  });
  const url = `${options.tls === undefined ? "ws" : "wss"}://127.0.0.1:${port}/`;
  const dial = async (how: ConnectOptions = {}): Promise<RawClient> => {
    const peer = await RawClient.connect(url, how);
    peers.push(peer);
    return peer;
  };
  return {
    server,
    clock,
    log,
    url,
    port,
    opened,
    requests,
    closed,
    dial,
    async connect({ at = "", ...how } = {}) {
      const before = new Set(opened);
      const peer = await RawClient.open(url + at, how);
      peers.push(peer);
      const local = peer.socket.localPort;
      await until(() => opened.some((client) => !before.has(client)), `open of the client from port ${local}`);
      return { peer, client: opened.find((client) => !before.has(client))! };
    },
    async stop(how) {
      let report: ShutdownReport | undefined;
      void server.close(how).then((result) => (report = result));
      await stepUntil(clock, () => report !== undefined, "the shutdown's report", 20);
      return report!;
    },
    async nextClosed() {
      await until(() => closed.length > closedSeen, "a call of close");
      return closed[closedSeen++]!.disconnect;
    },
  };
}

export async function listenOn(http: HttpServer): Promise<number> {
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return (http.address() as AddressInfo).port;
}

export function plainHttpServer(): HttpServer {
  return createHttpServer((_request, response) => void response.end("plain"));
}

/** Steps the clock on until `what` holds, giving the sockets their turn in between. */
export async function stepUntil(clock: StepClock, condition: () => boolean, what: string, stepMs = 20): Promise<void> {
  await until(() => {
    if (condition()) return true;
    clock.advance(stepMs);
    return condition();
  }, what);
}

/** A few turns of the event loop: what was written to a loopback socket is read by then, most often. Not for waiting. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((next) => setImmediate(next));
}

/**
 * Waits until this goes neither up nor down: the kernel has taken, or given, all that it will. A busy one does some of that a moment later.
 * @returns what it is then
 */
export async function standsStill(value: () => number): Promise<number> {
  let last = value();
  let same = 0;
  await until(() => {
    same = value() === last ? same + 1 : 0;
    last = value();
    return same >= 10;
  }, "the kernel's buffers to be full");
  return last;
}

/** A promise and the hand that settles it. */
export function gate<Value = void>(): {
  promise: Promise<Value>;
  open: (value: Value) => void;
  fail: (error: Error) => void;
} {
  let open: (value: Value) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const promise = new Promise<Value>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}
