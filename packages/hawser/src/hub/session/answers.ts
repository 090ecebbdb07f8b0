import { writeErr } from "@hawser/wire/server";
import type { Client } from "../../server/api/client.js";
import type { ClientPort } from "../../server/session/client-port.js";
import { BrokerError } from "../brokers/broker.js";
import type { HubContext } from "../hub-context.js";
import { HubError } from "../hub-error.js";
import { countRefusal } from "../hub-stats.js";
import { Subscriber } from "../subscriber.js";
import type { PendingCall } from "./pending-call.js";
import type { Requester } from "./requester.js";

/** For who asks too fast, or for what the engine cannot do at the moment. */
export const RETRY_MS = 1000;

/** The answering half of a session: which requests wait for an answer, and what they are told. No object of its own, for there is one a client. */
export abstract class Answers extends Subscriber implements Requester {
  protected readonly context: HubContext;
  /** Handlers of its calls that run, and reads of the engine. */
  #running = 0;
  /** Requests that wait for an answer, with the call if it is one. Null while there are none. */
  #pending: Map<number, PendingCall | null> | null = null;

  constructor(client: Client, port: ClientPort, context: HubContext) {
    super(client, port);
    this.context = context;
  }

  /** Says something that may not be left out. Who has no room for it does not read what it has asked for. */
  say(frame: string | Uint8Array): void {
    const message = typeof frame === "string" ? frame : this.port.encodeOnce(frame, false);
    if (!this.port.offer(message)) this.client.close(1013, "too slow: no room for an answer");
  }

  begin(id: number, call: PendingCall | null = null): void {
    if (id !== 0) (this.#pending ??= new Map()).set(id, call);
  }

  /** Who wants no answer has 0 for an id. */
  answer(id: number, frame: string | Uint8Array): void {
    if (id === 0) return;
    this.settled(id);
    this.say(frame);
  }

  refuse(id: number, code: string, sentence: string, retryMs?: number): void {
    this.count(code);
    if (id !== 0) this.answer(id, writeErr(id, code, sentence, retryMs));
  }

  fail(id: number, what: string, error: unknown): void {
    if (error instanceof HubError) this.refuse(id, error.code, error.message, error.retryMs);
    else if (error instanceof BrokerError) this.refuse(id, error.fault, error.message, RETRY_MS);
    else {
      this.context.onError(what, this.client.id, error);
      this.refuse(id, "failed", "it went wrong");
    }
  }

  mayBegin(id: number): boolean {
    const { callsPerClient } = this.context.options.limits;
    if (this.#running >= callsPerClient) {
      this.refuse(id, "too-many", `${callsPerClient} calls or questions wait for their answers`);
      return false;
    }
    this.#running++;
    return true;
  }

  ended(): void {
    this.#running--;
  }

  /** A request is refused with this word. */
  protected count(code: string): void {
    countRefusal(this.context.counts, code);
  }

  protected isPending(id: number): boolean {
    return this.#pending?.has(id) === true;
  }

  protected pendingCall(id: number): PendingCall | undefined {
    return this.#pending?.get(id) ?? undefined;
  }

  protected abortCalls(): void {
    for (const call of this.#pending?.values() ?? []) call?.abort();
  }

  protected settled(id: number): void {
    this.#pending?.delete(id);
    if (this.#pending?.size === 0) this.#pending = null;
  }
}
