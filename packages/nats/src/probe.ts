import { headers, type Msg } from "@nats-io/transport-node";
import { ENVELOPE, freshStamp, headersOf, readEnvelope, writeEnvelope } from "./envelope.js";
import type { Names } from "./names.js";
import { answerOf } from "./requests.js";
import type { Session } from "./session.js";
import { Store } from "./store.js";

/** A connection that has delivered nothing for so long has itself told something, by the way that all publishes go. */
const QUIET_MS = 15_000;
/** So many in a row that are not heard, and the connection is replaced. */
const MOST_UNHEARD = 2;
/** What probes are kept for: nobody reads them but the one that sent it. */
const TTL_MS = 60_000;

/** Finds out whether what is published arrives. */
export class Probe {
  readonly #names: Names;
  readonly #isStored: boolean;
  readonly #waiting = new Map<string, () => void>();
  #unheard = 0;
  #isUnderWay = false;
  #isDoubted = false;

  constructor(names: Names, isStored: boolean) {
    this.#names = names;
    this.#isStored = isStored;
  }

  /** Somebody's probe has arrived. */
  heard(message: Msg): void {
    const stamp = readEnvelope(headersOf(message.headers).get(ENVELOPE))?.stamp;
    if (stamp !== undefined) this.#waiting.get(stamp)?.();
  }

  /** Something failed: there is reason to look. */
  doubt(): void {
    this.#isDoubted = true;
  }

  /** Called every now and then. */
  check(session: Session): void {
    const isQuiet = performance.now() - session.heardAt > QUIET_MS;
    if (this.#isUnderWay || session.isOver || !(isQuiet || this.#isDoubted || this.#unheard > 0)) return;
    this.#isUnderWay = true;
    this.#isDoubted = false;
    this.send(session)
      .then(
        () => (this.#unheard = 0),
        (error: unknown) => {
          if (++this.#unheard < MOST_UNHEARD) return;
          this.#unheard = 0;
          session.end(`what is published does not arrive: ${error instanceof Error ? error.message : String(error)}`);
        },
      )
      .finally(() => (this.#isUnderWay = false));
  }

  /**
   * Publishes, and waits until it has arrived.
   * @returns by how much the server's clock is ahead of this one, in milliseconds
   * @throws BrokerError if it does not
   */
  async send(session: Session): Promise<number> {
    const until = session.requests.deadline();
    const stamp = freshStamp();
    const header = headers();
    header.set(
      ENVELOPE,
      writeEnvelope({ stamp, size: 1, ttlMs: TTL_MS, binary: false, by: undefined, from: undefined }),
    );
    const arrived = session.requests.expect(this.#names.probeHeard, until, (resolve) => {
      this.#waiting.set(stamp, resolve);
      return () => this.#waiting.delete(stamp);
    });
    if (!this.#isStored) {
      session.connection.publish(this.#names.probeHeard, "", { headers: header });
      await arrived;
      return 0;
    }
    const before = Date.now();
    const [ack] = await Promise.all([session.requests.ask(this.#names.probe, "", { headers: header, until }), arrived]);
    const between = (before + Date.now()) / 2;
    const { seq } = answerOf(ack);
    const stored = await new Store(session.requests, this.#names.topics, true).at(seq, until);
    return stored === undefined ? 0 : stored.at - between;
  }
}
