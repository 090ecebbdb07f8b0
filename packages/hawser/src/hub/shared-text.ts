import type { Outgoing } from "../server/sending/outgoing.js";
import type { ClientPort } from "../server/session/client-port.js";

/** The same text for many: encoded when the first of them is sent it. */
export class SharedText {
  readonly text: string;
  #encoded: Outgoing | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** @returns whether there was room */
  offerTo(port: ClientPort): boolean {
    return port.offer((this.#encoded ??= port.encodeOnce(this.text, false)));
  }
}
