import type { NatsConnection } from "@nats-io/transport-node";
import type { BrokerSetupError } from "hawser/hub";
import { messageOf, setupFaultOf } from "./faults.js";
import type { Session } from "./session.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** What a connection that is closed may still take. */
const CLOSE_MS = 1_000;

export interface LinkPort {
  /** A connection. @throws BrokerSetupError if waiting does not help */
  readonly open: () => Promise<NatsConnection>;
  /** Whether it is closed when it is lost: a connection of somebody else is not. */
  readonly isOwner: boolean;
  session(connection: NatsConnection): Session;
  /** Puts everything in place. @throws */
  begin(session: Session): Promise<void>;
  /** Everything is in place. */
  ready(session: Session): void;
  down(why: string): void;
}

/** Sees to it that there is a connection: one that is lost is never mended, another one takes its place. */
export class Link {
  readonly #port: LinkPort;
  #session: Session | undefined;
  #isClosed = false;
  #wake: () => void = () => {};
  #loop: Promise<void> | undefined;

  constructor(port: LinkPort) {
    this.#port = port;
  }

  /** Settled when it is known how things stand. @throws BrokerSetupError */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#loop = this.#run(resolve, reject);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    this.#session?.end("closed");
    await this.#loop;
  }

  async #run(known: () => void, refused: (error: BrokerSetupError) => void): Promise<void> {
    let failures = 0;
    let isKnown = false;
    while (!this.#isClosed) {
      try {
        const session = await this.#connect();
        failures = 0;
        isKnown = true;
        known();
        const why = await session.over;
        if (!this.#isClosed) this.#port.down(why);
        await this.#leave(session);
      } catch (error) {
        const fault = setupFaultOf(error);
        if (fault !== undefined && !isKnown) {
          this.#isClosed = true;
          refused(fault);
          return;
        }
        if (!this.#isClosed) this.#port.down(messageOf(fault ?? error));
        isKnown = true;
        known();
      }
      await this.#pause(failures++);
    }
    known();
  }

  async #connect(): Promise<Session> {
    const connection = await this.#port.open();
    const session = this.#port.session(connection);
    this.#session = session;
    try {
      if (this.#isClosed) throw new Error("closed");
      await this.#port.begin(session);
      if (session.denied !== undefined) throw session.denied;
      if (session.isOver) throw new Error(await session.over);
      this.#port.ready(session);
      return session;
    } catch (error) {
      session.end(messageOf(error));
      await this.#leave(session);
      throw session.denied ?? error;
    }
  }

  async #leave({ connection }: Session): Promise<void> {
    this.#session = undefined;
    if (!this.#port.isOwner || connection.isClosed()) return;
    // The library stops listening to a socket before it closes it. That a write failed, since the server was gone already, is told in this turn:
    // with nobody listening it would be an uncaught exception.
    await new Promise((resolve) => setImmediate(resolve));
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    await Promise.race([connection.close().catch(() => {}), enough]);
    clearTimeout(timer);
  }

  // All nodes lose their connections at once: they shall not come back at once.
  #pause(failures: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
