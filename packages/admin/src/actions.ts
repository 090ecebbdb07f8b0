/** What an operator can do to a client. */
import type { Client } from "hawser";
import type { AdminLog } from "./log.js";

/** How an action went, in words for the operator. */
export interface Outcome {
  readonly ok: boolean;
  readonly text: string;
}

/** Policy: a client that comes back by itself does not come back for this one at once. */
const CLOSE_CODE = 1008;

export class Actions {
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #log: AdminLog;

  constructor(clients: ReadonlyMap<string, Client>, log: AdminLog) {
    this.#clients = clients;
    this.#log = log;
  }

  /** `operator` is the address that the action came from. */
  disconnect(id: string, operator: string): Outcome {
    const client = this.#clients.get(id);
    if (client === undefined) return this.#gone("disconnect", id, operator);
    if (!client.isOpen) return this.#done("disconnect", id, operator, "closing", true, "It is closing already.");
    client.close(CLOSE_CODE, "disconnected by the operator");
    return this.#done("disconnect", id, operator, "closed", true, "Disconnected.");
  }

  /** The text goes to the client as a message, and nowhere else: the log does not have it. */
  send(id: string, text: string, operator: string): Outcome {
    const client = this.#clients.get(id);
    if (client === undefined) return this.#gone("send", id, operator);
    const result = client.send(text);
    const ok = result === "sent" || result === "queued";
    return this.#done("send", id, operator, result, ok, sendTexts[result]);
  }

  #gone(action: string, id: string, operator: string): Outcome {
    return this.#done(action, id, operator, "gone", false, "The client is not connected any more.");
  }

  #done(action: string, id: string, address: string, result: string, ok: boolean, text: string): Outcome {
    this.#log.action({ action, id: id.slice(0, 256), address, result });
    return { ok, text };
  }
}

const sendTexts = {
  sent: "Sent.",
  queued: "Queued: the client is behind and gets it when it has caught up.",
  dropped: "Dropped: too much waits for this client.",
  closed: "The connection is closing: nothing can be sent.",
} as const;
