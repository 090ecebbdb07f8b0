import { type Refusal, refusal } from "../api/refusal.js";
import { refusalOf } from "../api/refuse.js";
import type { ResolvedOptions } from "../api/resolved-options.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { freshId } from "../base/fresh-id.js";
import { UsageError } from "../base/usage-error.js";
import type { UpgradePort } from "./upgrade-port.js";

/** What the application has a word in, besides `authenticate`: a client's id and data, and what a refused one reads. It may fail. */
export class Application<Data> {
  readonly #options: ResolvedOptions<Data>;
  readonly #port: UpgradePort<Data>;

  constructor(options: ResolvedOptions<Data>, port: UpgradePort<Data>) {
    this.#options = options;
    this.#port = port;
  }

  /** @throws what `generateId` throws; UsageError when it returns no id, or one that a connected client has */
  idFor(request: UpgradeRequest): string {
    const { generateId } = this.#options;
    if (generateId === undefined) return freshId();
    const id: unknown = generateId(request);
    if (typeof id !== "string" || id === "")
      throw new UsageError("generateId has to return a string that is not empty");
    if (this.#port.isIdTaken(id)) throw new UsageError(`generateId returned ${id}, which a connected client has`);
    return id;
  }

  /** @param decided what `authenticate` made, if there is one @throws what `data` throws */
  dataFor(request: UpgradeRequest, decided: Data): Data {
    return this.#options.data === undefined ? decided : this.#options.data(request);
  }

  /** What is answered to what it has thrown. */
  refusalFor(error: unknown, address: string): Refusal {
    try {
      const refused = refusalOf(error);
      if (refused !== null) return refused;
    } catch {
      // A subclass whose members fail: an error like any other.
    }
    this.#port.reports.handshakeError(address, error);
    return refusal("handshake-error");
  }

  bodyOf({ status, reason, message }: Refusal): string {
    const standard = `${message}\n`;
    try {
      const body: unknown = this.#options.refusalBody?.({ status, reason, message }) ?? standard;
      if (typeof body === "string") return body;
      throw new UsageError(`refusalBody returned ${typeof body}, has to return a string`);
    } catch (error) {
      this.#port.reports.refusalBodyError(error);
      return standard;
    }
  }
}
