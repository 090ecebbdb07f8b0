/**
 * The client's half of permessage-deflate (RFC 7692), synchronous and independent of the server's code: a context that is
 * taken over is given back to zlib as its dictionary.
 */
import assert from "node:assert/strict";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

export interface DeflateParameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  /** `true`: the parameter without a value, which only an offer may have. */
  client_max_window_bits?: number | true;
}

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const WINDOW = 32_768;

export class PeerCompression {
  readonly agreed: DeflateParameters;
  #sent: Buffer = Buffer.alloc(0);
  #received: Buffer = Buffer.alloc(0);

  constructor(agreed: DeflateParameters) {
    this.agreed = agreed;
  }

  /** RFC 7692 7.2.1: a message's payload, deflated, without the empty block at its end. */
  deflate(message: Uint8Array, level = 6): Buffer {
    const asked = this.agreed.client_max_window_bits;
    const out = deflateRawSync(message, {
      level,
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: typeof asked === "number" ? Math.max(asked, 9) : 15,
      ...(this.#sent.length > 0 ? { dictionary: this.#sent } : {}),
    });
    if (this.agreed.client_no_context_takeover !== true) this.#sent = lastOf(this.#sent, message);
    return out.subarray(0, out.length - TAIL.length);
  }

  /** RFC 7692 7.2.2. Fails if the server's stream needs a window larger than the one agreed on. */
  inflate(payload: Uint8Array): Buffer {
    const out = inflateRawSync(Buffer.concat([payload, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: this.agreed.server_max_window_bits ?? 15,
      ...(this.#received.length > 0 ? { dictionary: this.#received } : {}),
    });
    if (this.agreed.server_no_context_takeover !== true) this.#received = lastOf(this.#received, out);
    return out;
  }
}

function lastOf(history: Buffer, added: Uint8Array): Buffer {
  return Buffer.concat([history, added]).subarray(-WINDOW);
}

/** Checks the server's answer against the offer (RFC 7692 7.1); undefined if the server declined. */
export function agreedCompression(
  answer: readonly string[] | undefined,
  offer: string | undefined,
): PeerCompression | undefined {
  if (answer === undefined) return undefined;
  assert.ok(offer, `the server answered Sec-WebSocket-Extensions that nobody offered: ${answer.join(" | ")}`);
  const [name, ...parameters] = answer
    .join(", ")
    .split(";")
    .map((part) => part.trim());
  assert.equal(name, "permessage-deflate", "one extension, from those offered");
  const agreed: Record<string, number | true> = {};
  for (const parameter of parameters) {
    const [key = "", value] = parameter.split("=").map((part) => part.trim());
    assert.ok(!(key in agreed), `parameter ${key} given twice`);
    const withValue = key === "server_max_window_bits" || key === "client_max_window_bits";
    assert.ok(
      withValue || key === "server_no_context_takeover" || key === "client_no_context_takeover",
      `parameter ${key}`,
    );
    assert.equal(value !== undefined, withValue, `parameter ${parameter}`);
    if (withValue) assert.match(value ?? "", /^([89]|1[0-5])$/, `parameter ${parameter}`);
    agreed[key] = withValue ? Number(value) : true;
  }
  return new PeerCompression(agreed);
}
