/** One connection to one server, from its handshake to its end: it is never mended, another one takes its place. */
import { BrokerError, BrokerSetupError } from "hawser/hub";
import { InOrder } from "hawser/tools";
import { EngineError, NO_REDIS, setupFaultOf } from "./faults.js";
import type { RedisClient } from "./redis-client.js";
import { allScripts, type Script } from "./scripts.js";

/** How often it is looked at who has waited for too long. */
export const TICK_MS = 200;
/** What may wait for answers at once: what is more is refused, and nothing is queued without end. */
const MOST_WAITING = 20_000;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** For replies whose text is ours to read. */
const TEXT = { typeMapping: {} };

/** How long to wait, and by which clock. */
export interface Patience {
  now(): number;
  /** A connection, its handshake included, has to be there within; and an answer, the steps in which that is looked at included. */
  readonly timeoutMs: number;
}

/** The server at the other end, as it says. */
export interface ServerKind {
  /** `redis`, `valkey`. */
  readonly server: string;
  readonly version: string;
  readonly mode: "standalone" | "cluster" | "sentinel";
  readonly role: string;
}

interface Waiting {
  readonly since: number;
  readonly bytes: number;
  readonly reject: (error: Error) => void;
  isSettled: boolean;
}

export class Connection {
  readonly client: RedisClient;
  readonly kind: ServerKind;
  readonly #patience: Patience;
  /** In the order of their answers. */
  readonly #waiting = new InOrder<Waiting>();
  #bytes = 0;
  /** When the server last said anything. */
  #heardAt: number;
  #lost: string | undefined;
  #onLost: (why: string) => void = () => {};

  private constructor(client: RedisClient, kind: ServerKind, patience: Patience) {
    this.client = client;
    this.kind = kind;
    this.#patience = patience;
    this.#heardAt = patience.now();
    client.on("error", (error) => this.lose(error instanceof Error ? error.message : String(error)));
    client.on("end", () => this.lose("the connection was closed"));
  }

  /**
   * @param withScripts whether scripts will be run on it
   * @throws EngineError, BrokerSetupError
   */
  static async open(client: RedisClient, patience: Patience, withScripts = false): Promise<Connection> {
    let broken: Error | undefined;
    let isConnected = false;
    client.on("connect", () => void (isConnected = true));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      client.on("error", (error) => {
        broken ??= error instanceof Error ? error : new Error(String(error));
        // What is no answer of Redis's leaves the library waiting for one.
        if (setupFaultOf(broken) !== undefined) reject(broken);
      });
      const { timeoutMs } = patience;
      timer = setTimeout(() => reject(broken ?? new EngineError(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    const opening = Connection.#handshake(client, withScripts);
    // Whichever of the two is the later one is of no interest.
    opening.catch(() => {});
    try {
      const kind = await Promise.race([opening, tooLong]);
      return new Connection(client, kind, patience);
    } catch (error) {
      client.destroy();
      throw (
        setupFaultOf(broken ?? error) ?? setupFaultOf(error) ?? withGuess(EngineError.from(error), client, isConnected)
      );
    } finally {
      clearTimeout(timer);
    }
  }

  static async #handshake(client: RedisClient, withScripts: boolean): Promise<ServerKind> {
    await client.connect();
    const hello = await client.sendCommand(["HELLO", "3"], TEXT);
    const kind = kindOf(hello);
    if (withScripts) {
      await Promise.all(allScripts.map(({ text }) => client.sendCommand(["SCRIPT", "LOAD", text])));
    }
    return kind;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  set onLost(callback: (why: string) => void) {
    this.#onLost = callback;
    if (this.#lost !== undefined) callback(this.#lost);
  }

  /** How many commands wait for an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Rejects with what the server says, an `EngineError`, or with a `BrokerError` when there is no answer.
   * @param bytes about how many it has
   */
  command(args: readonly (string | Buffer)[], bytes = 0): Promise<unknown> {
    return this.#settle(bytes, () => this.client.sendCommand(args));
  }

  /** Runs a script; a server that does not know it is told its text. */
  async run(
    { sha, text }: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    bytes = 0,
  ): Promise<unknown> {
    const count = String(keys.length);
    try {
      return await this.command(["EVALSHA", sha, count, ...keys, ...args], bytes);
    } catch (error) {
      if (!(error instanceof EngineError && error.code === "NOSCRIPT")) throw error;
      return this.command(["EVAL", text, count, ...keys, ...args], bytes);
    }
  }

  /** For what is a command with another kind of answer. */
  settle<Value>(ask: () => Promise<Value>): Promise<Value> {
    return this.#settle(0, ask);
  }

  /** Gives up on what waits for too long, and on a server that says nothing at all. */
  tick(): void {
    const now = this.#patience.now();
    // The rest of it is for the steps in which this is looked at, and for a master that says that another one is.
    const answerMs = this.#patience.timeoutMs * 0.75;
    for (const [, waiting] of this.#waiting) {
      if (now - waiting.since < answerMs) break;
      if (waiting.isSettled) continue;
      if (now - this.#heardAt >= answerMs) {
        this.lose(`no answer within ${answerMs} ms`);
        return;
      }
      waiting.isSettled = true;
      waiting.reject(new BrokerError("unavailable", `Redis did not answer within ${answerMs} ms`));
    }
  }

  /** Ends it, and all that waits for an answer. */
  lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    this.client.destroy();
    const error = new BrokerError("unavailable", `the connection to Redis was lost: ${why}`);
    for (const [number, { isSettled, reject }] of this.#waiting) {
      this.#waiting.delete(number);
      if (!isSettled) reject(error);
    }
    this.#onLost(why);
  }

  #settle<Value>(bytes: number, ask: () => Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(new BrokerError("unavailable", `there is no connection to Redis: ${this.#lost}`));
        return;
      }
      if (this.waiting >= MOST_WAITING || this.#bytes + bytes > MOST_WAITING_BYTES) {
        reject(new BrokerError("unavailable", "too much waits for Redis already"));
        return;
      }
      const number = this.#waiting.add({ since: this.#patience.now(), bytes, reject, isSettled: false });
      this.#bytes += bytes;
      ask().then(
        (value) => {
          this.#answer(number);
          resolve(value);
        },
        (error: unknown) => {
          this.#answer(number);
          reject(EngineError.from(error));
        },
      );
    });
  }

  #answer(number: number): void {
    this.#heardAt = this.#patience.now();
    this.#bytes -= this.#waiting.delete(number)?.bytes ?? 0;
  }
}

/** Who forgets TLS, or has it where there is none, sees nothing but a server that hangs up, or says nothing. */
function withGuess(error: Error, { options }: RedisClient, isConnected: boolean): Error {
  const isTls = (options as { socket?: { tls?: unknown } }).socket?.tls === true;
  if (!(error instanceof EngineError) || error.code !== "" || isTls === isConnected) return error;
  if (isTls)
    return /ECONN|ENOTFOUND|EAI_AGAIN|UNREACH/.test(error.message)
      ? error
      : guess(error, "it cannot be reached, or speaks no TLS");
  return /ECONNRESET|closed/i.test(error.message) ? guess(error, "it wants TLS") : error;
}

function guess({ message }: Error, what: string): EngineError {
  return new EngineError(`${message}; perhaps ${what}`);
}

/** @throws BrokerSetupError for what is no answer to HELLO */
function kindOf(hello: unknown): ServerKind {
  const entries =
    hello instanceof Map ? [...hello] : Array.isArray(hello) ? pairs(hello) : Object.entries(hello as object);
  const said = new Map(entries.map(([name, value]) => [String(name), String(value)]));
  if (!said.has("version")) throw new BrokerSetupError(NO_REDIS);
  const mode = said.get("mode");
  return {
    server: said.get("server") ?? "?",
    version: said.get("version")!,
    mode: mode === "cluster" || mode === "sentinel" ? mode : "standalone",
    role: said.get("role") ?? "?",
  };
}

function pairs(list: readonly unknown[]): (readonly [unknown, unknown])[] {
  return list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]] as const] : []));
}
