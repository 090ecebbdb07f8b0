import type { Broker } from "./brokers/broker.js";
import { type ControlMessage, readControl, type Revocation, writeControl } from "./control.js";
import type { ControlSeal, SealFault } from "./control-seal.js";

/** Why a control message of somebody's was not obeyed. */
export type ControlFault = SealFault | "unknown" | "without a secret";

export interface ControlPort {
  readonly broker: Pick<Broker, "tell">;
  /** The name of this node among the others. */
  readonly node: string;
  /** Undefined: the nodes share no secret. */
  readonly seal: ControlSeal | undefined;
  /** Nobody but nodes can write to the engine, or that is how it is to be taken. */
  readonly isTrusted: boolean;
  revoke(whom: Revocation): void;
  /** Members have come or gone on another node. */
  changedElsewhere(topics: readonly string[]): void;
  /** @param from the node, as the engine has it */
  refused(why: ControlFault, from: string): void;
}

/** What nodes tell each other. What could harm is obeyed from nodes alone, as far as that can be told. */
export class ControlChannel {
  readonly #port: ControlPort;

  constructor(port: ControlPort) {
    this.#port = port;
  }

  /** @param message what this node has done itself already */
  async tell(message: ControlMessage): Promise<void> {
    const { broker, node, seal } = this.#port;
    const text = writeControl(message);
    await broker.tell(new TextEncoder().encode(seal === undefined ? text : seal.seal(text, node)));
  }

  told(bytes: Uint8Array, from: string): void {
    const { seal, node, isTrusted } = this.#port;
    const text = new TextDecoder().decode(bytes);
    const opened = seal?.open(text) ?? { text };
    if (typeof opened === "string") return this.#port.refused(opened, from);
    const message = readControl(opened.text);
    if (message === undefined) return this.#port.refused("unknown", from);
    if (message.node === node) return undefined;
    if ("presence" in message) return this.#port.changedElsewhere(message.presence);
    // Whoever can write to the engine could put everybody out.
    if (seal === undefined && !isTrusted) return this.#port.refused("without a secret", from);
    return this.#port.revoke(message.revoke);
  }
}
