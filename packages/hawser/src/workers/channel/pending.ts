import type { Clock } from "../../server/base/clock.js";
import { InOrder } from "../../server/base/in-order.js";
import { BrokerError } from "../../hub/brokers/broker.js";
import type { FieldReader } from "./frame-reader.js";

interface Request {
  /** The tick that it was asked in. */
  readonly tick: number;
  done(fields: FieldReader): void;
  failed(error: BrokerError): void;
}

const TICK_MS = 250;
/** With the one under way it is two seconds at most. A process that was held up for long has had one tick. */
const TICKS = 7;

/** What was asked and has no answer yet, oldest first. */
export class Pending {
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  readonly #requests = new InOrder<Request>();
  #tick = 0;
  #stop: (() => void) | undefined;

  /** @param onSilence something was not answered in time */
  constructor(clock: Clock, onSilence: () => void) {
    this.#clock = clock;
    this.#onSilence = onSilence;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** @returns its number */
  add<Value>(
    read: (fields: FieldReader) => Value,
    resolve: (value: Value) => void,
    reject: (error: BrokerError) => void,
  ): number {
    const done = (fields: FieldReader): void => {
      const value = read(fields);
      fields.end();
      resolve(value);
    };
    this.#stop ??= this.#clock.every(TICK_MS, () => this.#onTick());
    return this.#requests.add({ tick: this.#tick, done, failed: reject });
  }

  /** An answer; nobody may wait for it any longer. @throws FrameFault: then whoever waits still does */
  done(fields: FieldReader): void {
    const { id } = fields;
    this.#requests.get(id)?.done(fields);
    this.#requests.delete(id);
  }

  /** @throws FrameFault */
  failed(fields: FieldReader): void {
    const { id } = fields;
    const [fault, message] = [fields.text(), fields.text()];
    fields.end();
    this.#requests.get(id)?.failed(new BrokerError(fault === "limit" ? "limit" : "unavailable", message));
    this.#requests.delete(id);
  }

  rejectAll(why: string): void {
    this.#stop?.();
    this.#stop = undefined;
    for (const [id, request] of this.#requests) {
      this.#requests.delete(id);
      request.failed(new BrokerError("unavailable", why));
    }
  }

  #onTick(): void {
    this.#tick++;
    let isSilent = false;
    for (const [id, request] of this.#requests) {
      if (this.#tick - request.tick <= TICKS) break;
      this.#requests.delete(id);
      request.failed(new BrokerError("unavailable", "the supervisor did not answer in time"));
      isSilent = true;
    }
    if (this.#requests.size === 0) {
      this.#stop?.();
      this.#stop = undefined;
    }
    if (isSilent) this.#onSilence();
  }
}
