import type { Client } from "../../server/api/client.js";
import { isThenable } from "../../server/base/thenable.js";
import type { HubContext } from "../hub-context.js";
import { HubError } from "../hub-error.js";
import type { Authenticate, AuthenticateContext } from "../hub-options.js";
import { countToken } from "../hub-stats.js";
import { type Verdict, verdictOf, verdictOfError } from "./verdict.js";

/** A token that is being checked. */
export class TokenCheck implements AuthenticateContext {
  readonly client: Client;
  #controller: AbortController | null = null;
  #isGivenUp = false;

  constructor(client: Client) {
    this.client = client;
  }

  /** Made when it is asked for: most applications do not look at it, and it costs as much as a third of a handshake. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isGivenUp) this.#controller.abort();
    return this.#controller.signal;
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#controller?.abort();
  }
}

/** Asks whose token it is. @returns a promise where that takes its time; it is never rejected */
export function checkToken(
  authenticate: Authenticate<unknown>,
  token: string | undefined,
  check: TokenCheck,
  { counts, onError }: HubContext,
): Verdict | Promise<Verdict> {
  const decided = (verdict: Verdict): Verdict => {
    if (verdict.isGood) counts.tokens.accepted++;
    else countToken(counts, verdict.code);
    return verdict;
  };
  const failed = (error: unknown): Verdict => {
    if (!(error instanceof HubError)) onError("authenticate", check.client.id, error);
    return decided(verdictOfError(error));
  };
  try {
    const result = authenticate(token, check);
    if (!isThenable(result)) return decided(verdictOf(result, Date.now()));
    return Promise.resolve(result)
      .then((user) => decided(verdictOf(user, Date.now())))
      .catch(failed);
  } catch (error) {
    return failed(error);
  }
}
