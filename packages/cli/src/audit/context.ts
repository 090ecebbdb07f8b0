/** What every check gets: a way to the server, what is known about it, and how much time there is. */
import { randomBytes } from "node:crypto";
import type { Target } from "../tools/target.js";
import { type Headers, upgradeRequest } from "./http.js";
import type { AuditOptions, Budget } from "./options.js";
import { Peer, type PeerOptions } from "./peer.js";
import type { ServerProcess } from "./server-process.js";
import { sleep } from "./sleep.js";

/** What the server does with messages, as far as it can be seen. */
export interface Nature {
  /** Origin without which it refuses handshakes; undefined: it takes those without. */
  neededOrigin: string | undefined;
  /** A message goes back to its sender. */
  echoes: boolean;
  /** A message goes to other clients. */
  relays: boolean;
  /** Engine.IO, what Socket.IO lies on: pings are messages there. */
  speaksEngineIo: boolean;
  /** It answers a ping, as it has to. */
  answersPings: boolean;
  /** The answer to a handshake had the right Sec-WebSocket-Accept. */
  isAcceptRight: boolean;
  /** Length of a message that it takes for certain. */
  safeBytes: number;
  /** A message that it takes without closing; null: none was found. */
  sample: string | null;
  /** It takes one client from an address, and drops or refuses the others. */
  takesOnePerAddress: boolean;
}

/** What the server wrote to its log when. */
export interface LogFacts {
  readonly onConnect: readonly string[];
  /** Null: no message is known that the server takes. */
  readonly onMessages: readonly string[] | null;
  readonly onDisconnect: readonly string[];
  /** Clients that closed normally at the end; some may have been sent away before, for too many messages. */
  readonly closes: number;
  /** Our ports, to see whether a name in the log is an address. */
  readonly ports: readonly number[];
}

/** The handshake was not answered with 101. */
export class Refused extends Error {
  override readonly name = "Refused";
}

export type OpenOptions = Partial<PeerOptions> & { readonly headers?: Headers };

/** On a busy machine, and no more than a person would wait. */
const ANSWER_MS = 5000;
const QUICK_ANSWER_MS = 3000;
/** In place of an answer, where there is none. */
const UNANSWERED_MS = 500;
/** A server that bounds its handshakes says when to come back; so often it is asked again. */
const ATTEMPTS = 3;

export class Context {
  readonly target: Target;
  readonly options: AuditOptions;
  readonly budget: Budget;
  readonly startedAt: number;
  /** From when the waits for the server's deadlines count: those that its end has disturbed begin anew. */
  waitsSince: number;
  readonly nature: Nature = {
    neededOrigin: undefined,
    echoes: false,
    relays: false,
    speaksEngineIo: false,
    answersPings: true,
    isAcceptRight: true,
    safeBytes: 100,
    sample: null,
    takesOnePerAddress: false,
  };
  /** Rules of RFC 6455 that frames of the server's broke. */
  readonly violations: Set<string> = new Set<string>();
  /** The largest message that was taken; Infinity: no limit was found; undefined: not known (yet). */
  messageLimit: number | undefined;
  /** Pages of any site may connect. */
  takesAnyOrigin: boolean = false;
  /** After how long a client that answers nothing is dropped, and the time between two pings; undefined: not known (yet). */
  dropAfterMs: number | undefined;
  pingPeriodMs: number | undefined;
  /** Clients that only answer pings, for the check that stops the server. */
  readonly company: Peer[] = [];
  /** With `--exec`. */
  server: ServerProcess | undefined;
  logFacts: LogFacts | undefined;
  /** Of the server under `--exec`, in bytes, before the abuse. */
  memoryBefore: number | undefined;

  readonly #peers = new Set<Peer>();
  #control: Promise<Peer> | undefined;
  #addresses = 0;

  constructor(target: Target, options: AuditOptions, budget: Budget) {
    this.target = target;
    this.options = options;
    this.budget = budget;
    this.startedAt = performance.now();
    this.waitsSince = this.startedAt;
  }

  get quick(): boolean {
    return this.options.quick === true;
  }

  /** Until the waits for the server's deadlines are over. */
  get waitLeftMs(): number {
    return Math.min(this.budget.waitMs, this.lastWaitMs);
  }

  /** As long as anybody waits: for what comes in periods, whose second time is late. */
  get lastWaitMs(): number {
    return Math.max(0, this.waitsSince + this.budget.waitsEndMs - performance.now());
  }

  /** Until everything is over. */
  get leftMs(): number {
    return Math.max(0, this.startedAt + this.budget.allEndsMs - performance.now());
  }

  /** How long an answer to a handshake may take. */
  get answerMs(): number {
    return Math.min(this.quick ? QUICK_ANSWER_MS : ANSWER_MS, this.leftMs);
  }

  /** All of 127.0.0.0/8 is this machine; elsewhere there is one address to come from. */
  get canSpread(): boolean {
    return process.platform === "linux" && this.target.address.startsWith("127.");
  }

  /** An address that no other connection of ours comes from; undefined: any will do. */
  nextAddress(): string | undefined {
    if (!this.nature.takesOnePerAddress || !this.canSpread) return undefined;
    const number = ++this.#addresses;
    return `127.1.${(number >> 8) & 0xff}.${number & 0xff}`;
  }

  log(line: string): void {
    this.options.log?.(line);
  }

  /** A connection on which nothing has been sent yet. */
  async connect(options: Partial<PeerOptions> = {}): Promise<Peer> {
    const localAddress = options.localAddress ?? this.nextAddress();
    const peer = await Peer.connect(this.target, {
      timeoutMs: this.answerMs,
      ...(localAddress === undefined ? {} : { localAddress }),
      speaksEngineIo: this.nature.speaksEngineIo && options.isPolite !== false,
      ...options,
    });
    this.#peers.add(peer);
    peer.socket.once("close", () => {
      this.#peers.delete(peer);
      for (const violation of peer.violations) this.violations.add(violation);
    });
    return peer;
  }

  /**
   * A WebSocket connection.
   * @throws Refused, or an error of the socket
   */
  async open(options: OpenOptions = {}): Promise<Peer> {
    for (let attempt = 1; ; attempt++) {
      const { headers = {}, ...rest } = options;
      const peer = await this.connect(rest);
      const response = await peer.request(this.handshake(freshKey(), headers));
      if (response?.status === 101) return peer;
      peer.destroy();
      const isBusy = response?.status === 503 || response?.status === 429;
      if (response === undefined && !peer.isOver && !peer.isGarbage)
        throw new Error("the handshake was not answered in time");
      if (!isBusy || attempt === ATTEMPTS)
        throw new Refused(
          response === undefined ? `no answer to the handshake` : `the handshake got ${response.status}`,
        );
      const seconds = Number(response.headers.get("retry-after") ?? 1);
      await sleep(Math.min(Number.isFinite(seconds) ? seconds * 1000 : 1000, 2000));
    }
  }

  /** A correct handshake, as the user of the command wants it, with these changes. */
  handshake(key: string, changes: Headers = {}, path: string = this.target.path): string {
    const origin = this.options.origin ?? this.nature.neededOrigin;
    return upgradeRequest(
      { ...this.target, path },
      key,
      origin === undefined ? {} : { Origin: origin },
      this.options.subprotocol === undefined ? {} : { "Sec-WebSocket-Protocol": this.options.subprotocol },
      this.options.headers ?? {},
      changes,
    );
  }

  /** The answer to a handshake with these changes; undefined: none, or none that is HTTP. The connection is still open. */
  async tryHandshake(changes: Headers): Promise<Peer> {
    const peer = await this.connect();
    await peer.request(this.handshake(freshKey(), changes));
    return peer;
  }

  /**
   * Waits until the server has answered somebody else who asks now: it has had the time to do something about all that it was sent
   * before, however busy the machine is.
   */
  async settled(): Promise<void> {
    if (!this.nature.answersPings) return sleep(UNANSWERED_MS);
    let control = await (this.#control ??= this.open({ keepsMessages: false })).catch(() => undefined);
    if (control === undefined || control.isOver || control.closed !== undefined) {
      this.#control = undefined;
      control = await this.open({ keepsMessages: false }).catch(() => undefined);
    }
    await control?.ping(this.answerMs);
  }

  /**
   * Whether the server takes a new client and answers its ping within so long. One that takes connections and does not answer may
   * be busy; one that takes none is gone.
   */
  async health(mostMs: number): Promise<"well" | "hung" | "gone"> {
    const endsAt = performance.now() + Math.min(mostMs, this.leftMs);
    let refusals = 0;
    do {
      try {
        const timeoutMs = endsAt - performance.now();
        const peer = await this.open({ timeoutMs });
        const isAnswered = !this.nature.answersPings || (await peer.ping(timeoutMs)) !== undefined;
        void peer.close();
        if (isAnswered) return "well";
      } catch (error) {
        const isRefused = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
        if (isRefused && (this.server?.exit !== undefined || ++refusals === 3)) return "gone";
      }
      await sleep(150);
    } while (performance.now() < endsAt);
    return "hung";
  }

  /** Ends every connection that is left. */
  destroyAll(): void {
    for (const peer of this.#peers) peer.destroy();
  }
}

export function freshKey(): string {
  return randomBytes(16).toString("base64");
}
