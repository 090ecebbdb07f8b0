import { writeBinaryPub, writePub } from "@hawser/wire/server";
import type { Outgoing } from "../server/sending/outgoing.js";
import type { ClientPort } from "../server/session/client-port.js";
import type { StoredMessage } from "./brokers/broker.js";

/** A message of a topic, as its clients are sent it: each of its two forms is made once, when the first client needs it. */
export class TopicFrame {
  /** The id of the plain client that sent the message. */
  readonly from: string | undefined;
  readonly #isBinary: boolean;
  readonly #isKept: boolean;
  readonly #payloadBytes: number;
  /** Null once the frame for clients of `hawser.v1` is there, which holds the same payload. */
  #source: { readonly topic: string; readonly message: StoredMessage } | null;
  #wire: Outgoing | null = null;
  #plain: Outgoing | null = null;

  constructor(topic: string, message: StoredMessage) {
    const { offset, from, bytes, binary } = message;
    this.from = from;
    this.#isBinary = binary;
    this.#isKept = offset > 0;
    this.#payloadBytes = bytes.byteLength;
    this.#source = { topic, message };
  }

  /** For clients of `hawser.v1`. */
  wire(port: ClientPort): Outgoing {
    if (this.#wire === null) {
      const { topic, message } = this.#source!;
      this.#wire = port.encodeOnce(wireFrame(topic, message), this.#isKept);
      this.#source = null;
    }
    return this.#wire;
  }

  /** For plain clients: the bare payload, a string of JSON as the text that it means. */
  plain(port: ClientPort): Outgoing {
    return (this.#plain ??= port.encodeOnce(this.#payload(), this.#isKept));
  }

  #payload(): string | Uint8Array {
    const bytes = this.#source === null ? this.#payloadOfWire() : this.#source.message.bytes;
    if (this.#isBinary) return bytes;
    const json = textOf(bytes);
    return json.startsWith('"') ? (JSON.parse(json) as string) : json;
  }

  // It is at the end of the frame; behind that of a text frame stands a brace.
  #payloadOfWire(): Uint8Array {
    const { bytes } = this.#wire!;
    const end = bytes.length - (this.#isBinary ? 0 : 1);
    return bytes.subarray(end - this.#payloadBytes, end);
  }
}

function wireFrame(topic: string, { offset, by, bytes, binary }: StoredMessage): string | Uint8Array {
  const position = offset === 0 ? undefined : offset;
  return binary ? writeBinaryPub(topic, bytes, position, by) : writePub(topic, textOf(bytes), position, by);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
