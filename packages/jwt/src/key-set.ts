import type { Clock } from "hawser";
import {
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type LocalJWKSet,
} from "jose";

/** So old may a set be before it is fetched again: a key that was withdrawn is no longer taken after that. */
const MAX_AGE_MS = 10 * 60_000;
/** So old while a newer one cannot be had: as long as most issuers' tokens last, who then cannot give out new ones either. */
const MAX_STALE_MS = 60 * 60_000;
/** Between two fetches because of a key that is not in the set: anybody can name one. */
const COOLDOWN_MS = 30_000;
/** After the first fetch that failed, twice as long after each further one, up to the cooldown. */
const FIRST_RETRY_MS = 1000;

/** A token cannot be checked at the moment: nothing is known against it. */
export class KeysUnavailable extends Error {
  readonly retryMs: number;

  constructor(retryMs: number) {
    super("the key for this token cannot be had at the moment");
    this.retryMs = retryMs;
  }
}

/** An issuer's public keys, fetched when they are needed, by one request at a time. */
export class KeySet {
  readonly #fetch: () => Promise<JSONWebKeySet>;
  readonly #clock: Clock;
  readonly #failed: (why: string) => void;
  #keys: LocalJWKSet | undefined;
  #fetchedAt = -Infinity;
  #nextFetchAt = -Infinity;
  #failures = 0;
  #fetching: Promise<boolean> | undefined;

  constructor(fetch: () => Promise<JSONWebKeySet>, clock: Clock, failed: (why: string) => void) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#failed = failed;
  }

  /** @throws KeysUnavailable, and what `createLocalJWKSet` throws where the set has no such key, or several that could be it */
  async find(header: JWSHeaderParameters): Promise<CryptoKey> {
    const isNew = this.#age() > MAX_AGE_MS && (await this.#renew());
    if (this.#keys === undefined || this.#age() > MAX_STALE_MS) throw new KeysUnavailable(this.#retryMs());
    try {
      return await this.#keys(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isNew) throw error;
    }
    // The issuer may have a key that is newer than the set.
    if (!(await this.#renew())) throw new KeysUnavailable(this.#retryMs());
    return this.#keys(header);
  }

  #age(): number {
    return this.#clock.now() - this.#fetchedAt;
  }

  #retryMs(): number {
    return Math.max(FIRST_RETRY_MS, this.#nextFetchAt - this.#clock.now());
  }

  /** @returns whether there is a new set; false also where it is too soon to ask for one */
  #renew(): Promise<boolean> {
    if (this.#fetching !== undefined) return this.#fetching;
    if (this.#clock.now() < this.#nextFetchAt) return Promise.resolve(false);
    this.#fetching = this.#load().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #load(): Promise<boolean> {
    try {
      this.#keys = createLocalJWKSet(await this.#fetch());
      this.#fetchedAt = this.#clock.now();
      this.#nextFetchAt = this.#fetchedAt + COOLDOWN_MS;
      this.#failures = 0;
      return true;
    } catch (error) {
      const wait = Math.min(COOLDOWN_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
      this.#nextFetchAt = this.#clock.now() + wait;
      this.#tell(sentenceOf(error));
      return false;
    }
  }

  #tell(why: string): void {
    try {
      this.#failed(why);
    } catch {
      // It is the application's own trouble: no token is worse for it.
    }
  }
}

/** `fetch` says "fetch failed", and the reason stands behind it. */
function sentenceOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}
