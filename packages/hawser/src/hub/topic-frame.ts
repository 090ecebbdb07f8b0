import { writeBinaryPub, writePub } from "@hawser/wire/server";
import type { Outgoing } from "../server/sending/outgoing.js";
import type { ClientPort } from "../server/session/client-port.js";
import type { StoredMessage } from "./brokers/broker.js";

/** A message of a topic, as its clients are sent it: each of its two forms is made once, when the first client needs it. */
export class TopicFrame {
  readonly #isBinary: boolean;
  readonly #isKept: boolean;
  readonly #payloadBytes: number;
  /** Null once the frame is there, which holds the same payload. */
  #source: (() => string | Uint8Array) | null;
  #wire: Outgoing | null = null;
  #plain: Outgoing | null = null;

  constructor(topic: string, { offset, by, bytes, binary }: StoredMessage) {
    this.#isBinary = binary;
    this.#isKept = offset > 0;
    this.#payloadBytes = bytes.byteLength;
    const position = offset === 0 ? undefined : offset;
    this.#source = () =>
      binary ? writeBinaryPub(topic, bytes, position, by) : writePub(topic, textOf(bytes), position, by);
  }

  /** For clients of `hawser.v1`. */
  wire(port: ClientPort): Outgoing {
    if (this.#wire === null) {
      this.#wire = port.encodeOnce(this.#source!(), this.#isKept);
      this.#source = null;
    }
    return this.#wire;
  }

  /** For plain clients: the bare payload, a string of JSON as the text that it means. */
  plain(port: ClientPort): Outgoing {
    return (this.#plain ??= port.encodeOnce(this.#payload(port), this.#isKept));
  }

  // It is at the end of the frame; behind that of a text frame stands a brace.
  #payload(port: ClientPort): string | Uint8Array {
    const { bytes } = this.wire(port);
    const end = bytes.length - (this.#isBinary ? 0 : 1);
    const payload = bytes.subarray(end - this.#payloadBytes, end);
    if (this.#isBinary) return payload;
    const json = textOf(payload);
    return json.startsWith('"') ? (JSON.parse(json) as string) : json;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
