import type { DeflateParameters } from "../../protocol/deflate-negotiation.js";
import { Deflater, deflateShared } from "../../protocol/deflate.js";
import type { CompressionSettings, Outgoing } from "./outgoing.js";

/** How messages are compressed for one client: made for those that have agreed on it. */
export class Compression {
  readonly #parameters: DeflateParameters;
  readonly #settings: CompressionSettings;
  /** With context takeover alone. */
  #deflater: Deflater | null = null;

  constructor(parameters: DeflateParameters, settings: CompressionSettings) {
    this.#parameters = parameters;
    this.#settings = settings;
  }

  /** @param isBacklogged whether the client may not get it */
  frameOf(message: Outgoing, isBacklogged: boolean): Buffer {
    const parameters = this.#parameters;
    if (parameters.serverNoContextTakeover) return message.deflatedFrame(parameters.serverMaxWindowBits);
    // With context takeover what is compressed has to be sent, for the next message may refer to it; so nothing is compressed for a
    // client that may not get it.
    if (!message.isLong || isBacklogged) return message.uncompressedFrame();
    return message.compressedFrame(this.compress(message.bytes));
  }

  /** The payload of a compressed message, for this client alone. With context takeover it has to be sent, and in this order. */
  compress(bytes: Uint8Array): Buffer {
    const parameters = this.#parameters;
    if (parameters.serverNoContextTakeover) return deflateShared(bytes, parameters.serverMaxWindowBits, this.#settings);
    this.#deflater ??= new Deflater(parameters, "server", this.#settings);
    return this.#deflater.compress(bytes);
  }
}
