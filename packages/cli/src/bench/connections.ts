/** A thread's connections: opened some at a time, counted as they end, and closed together. */
import { OpenError } from "../tools/open-error.js";
import { openDefaults, type OpenOptions, openWebSocket } from "../tools/open-web-socket.js";
import type { ClientHandlers, Ending, WebSocketClient } from "../tools/web-socket-client.js";
import { type Member, type Plan, targetOf } from "./plan.js";
import type { Counters } from "./tally.js";

/** Handshakes under way, in all threads together: more would be a load of its own, and overflow the backlog of some servers. */
const AT_ONCE = 64;
/** A pong that takes longer is not waited for. */
const SETTLE_MS = 1000;
const GOODBYE = 1000;

export function openOptions(plan: Plan): OpenOptions {
  const { subprotocols, headers, timeoutMs, dangerouslyAcceptAnyCertificate } = plan;
  return { ...openDefaults, subprotocols, headers, timeoutMs, dangerouslyAcceptAnyCertificate };
}

/** What a connection does with what comes. */
export interface Player extends Pick<ClientHandlers, "onMessage" | "onDrain"> {
  /** It is open. */
  join(client: WebSocketClient): void;
  /** It is gone. */
  leave(): void;
}

export class Connections {
  readonly #plan: Plan;
  readonly #counters: Counters;
  readonly #clients = new Set<WebSocketClient>();
  #onPong: (() => void) | null = null;
  #onEmpty: (() => void) | null = null;
  #isClosing = false;
  #isStopped = false;

  constructor(plan: Plan, counters: Counters) {
    this.#plan = plan;
    this.#counters = counters;
  }

  /** Opens one for each member. Those that cannot be opened are counted. */
  async open(members: readonly Member[], play: (member: Member) => Player): Promise<void> {
    const queue = members.values();
    const openSome = async (): Promise<void> => {
      for (const member of queue) if (!this.#isStopped) await this.#openOne(member, play(member));
    };
    await Promise.all(Array.from({ length: Math.ceil(AT_ONCE / this.#plan.threads) }, openSome));
  }

  /** Those that are not begun yet are not opened. */
  stopOpening(): void {
    this.#isStopped = true;
  }

  async #openOne(member: Member, player: Player): Promise<void> {
    const counters = this.#counters;
    const since = counters.now();
    try {
      const client = await openWebSocket(targetOf(this.#plan, member.room), openOptions(this.#plan));
      counters.recordHandshake(counters.now() - since);
      counters.opened++;
      counters.open++;
      this.#clients.add(client);
      client.listen({
        onMessage: player.onMessage.bind(player),
        onDrain: () => player.onDrain?.(),
        onPong: () => this.#onPong?.(),
        onEnd: (ending) => {
          this.#onEnd(client, ending);
          player.leave();
        },
      });
      if (this.#plan.subscribe !== null) {
        client.send(this.#plan.subscribe);
        counters.countSent(Buffer.byteLength(this.#plan.subscribe));
      }
      player.join(client);
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      counters.countError(error.kind);
    }
  }

  /** Waits until the server has read what was sent so far: the pong to a ping comes behind it. */
  async settle(): Promise<void> {
    let missing = this.#clients.size;
    await new Promise<void>((resolve) => {
      if (missing === 0) resolve();
      setTimeout(resolve, SETTLE_MS).unref();
      this.#onPong = () => {
        if (--missing <= 0) resolve();
      };
      for (const client of this.#clients) client.ping(Buffer.from("hawser"));
    });
    this.#onPong = null;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Closes all, and resolves when they are gone, which takes no longer than their close timeout. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      for (const client of this.#clients) client.close(GOODBYE);
    });
  }

  #onEnd(client: WebSocketClient, ending: Ending): void {
    this.#clients.delete(client);
    this.#counters.open--;
    const inOrder = ending.initiator === "us" && ending.fault === "" && this.#isClosing;
    if (!inOrder) this.#counters.countClose(closeName(ending));
    if (this.#clients.size === 0) this.#onEmpty?.();
  }
}

/** `1001 server shutting down`, `1006 ECONNRESET` */
export function closeName({ code, reason, fault }: Ending): string {
  return `${code} ${reason === "" ? fault : reason}`.trimEnd();
}
