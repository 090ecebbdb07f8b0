/**
 * 12 and 13: permessage-deflate (RFC 7692). 12: five kinds of data at every size and fragmentation. 13: one kind of data, with
 * every offer of parameters. A server that takes compression at all must not decline here.
 */
import assert from "node:assert/strict";

import { fragments, TEXT, BINARY } from "../../harness/frames.js";
import { CLEAN, exchangeOn } from "../../harness/exchange.js";
import { RawClient } from "../../harness/raw-client.js";
import { type Case, FULL } from "../harness/case.js";
import { type Sample, SAMPLES } from "../harness/sample-data.js";

/** Message size, and the size of the fragments that the compressed message is sent in. */
const SIZES: readonly (readonly [size: number, fragment?: number])[] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072].map((size): [number] => [size]),
  ...[8192, 16_384, 32_768, 65_536, 131_072].map((size): [number, number] => [size, 256]),
  ...[1024, 4096, 32_768].map((fragment): [number, number] => [131_072, fragment]),
];

interface Offer {
  /** What the client asks of the server, most wanted first, as Autobahn writes it: [no context takeover, window bits]. */
  asks: readonly (readonly [noContextTakeover: boolean, windowBits: number])[];
}

/** The one Autobahn offers in all of section 12, and those of 13.1 to 13.7. */
const PLAIN: Offer = { asks: [[false, 0]] };
const OFFERS: readonly Offer[] = [
  PLAIN,
  { asks: [[true, 0]] },
  { asks: [[false, 9]] },
  { asks: [[false, 15]] },
  { asks: [[true, 9]] },
  { asks: [[true, 15]] },
  {
    asks: [
      [true, 9],
      [true, 0],
      [false, 0],
    ],
  },
];

function headerOf({ asks }: Offer): string {
  return asks
    .map(([noContextTakeover, windowBits]) => {
      const parameters = ["permessage-deflate", "client_no_context_takeover", "client_max_window_bits"];
      if (noContextTakeover) parameters.push("server_no_context_takeover");
      if (windowBits !== 0) parameters.push(`server_max_window_bits=${windowBits}`);
      return parameters.join("; ");
    })
    .join(", ");
}

/** RFC 7692 7.1.1.1, 7.1.2.1: what is asked of the server in the offer that it accepts, it must do and say. */
function checkAnswer(client: RawClient, offer: Offer): void {
  const agreed = client.compression?.agreed;
  assert.ok(agreed, `permessage-deflate was declined: ${headerOf(offer)}`);
  const kept = offer.asks.some(([noContextTakeover, windowBits]) => {
    const bits = windowBits === 0 || (agreed.server_max_window_bits ?? 15) <= windowBits;
    return bits && (!noContextTakeover || agreed.server_no_context_takeover === true);
  });
  assert.ok(kept, `the answer ${JSON.stringify(agreed)} fits none of: ${headerOf(offer)}`);
}

/** Enough messages for the context to matter, and no more bytes than a quick run can afford. */
function repeatsOf(size: number): number {
  return FULL ? 1000 : Math.max(3, Math.min(50, Math.ceil(262_144 / size)));
}

async function run(
  url: string,
  sample: Sample,
  offer: Offer,
  size: number,
  fragment: number | undefined,
): Promise<void> {
  const client = await RawClient.open(url, { offer: headerOf(offer) });
  checkAnswer(client, offer);
  const { compression } = client;
  assert.ok(compression);
  const opcode = sample.type === "text" ? TEXT : BINARY;
  for (let sent = 0; sent < repeatsOf(size); sent++) {
    const message = sample.slice(sent, size);
    const deflated = compression.deflate(message);
    for (const part of fragments(opcode, deflated, fragment ?? Number.POSITIVE_INFINITY, { rsv: 4 }))
      void client.sendFrame(part);
    const echoed = await client.nextMessage(60_000);
    assert.equal(echoed.type, sample.type);
    assert.ok(message.equals(echoed.bytes), `echo ${sent} differs: ${echoed.bytes.length} bytes for ${message.length}`);
  }
  await exchangeOn(client, { send: [], end: CLEAN });
}

function cases(section: string, sample: Sample, offer: Offer): Case[] {
  return SIZES.map(([size, fragment], index) => ({
    id: `${section}.${index + 1}`,
    says: `${repeatsOf(size)} of ${size} bytes, ${sample.says}${fragment === undefined ? "" : `, in fragments of ${fragment}`}; offer ${JSON.stringify(offer.asks)}`,
    run: (url) => run(url, sample, offer, size, fragment),
  }));
}

export const compression: Case[] = [
  ...SAMPLES.flatMap((sample, index) => cases(`12.${index + 1}`, sample, PLAIN)),
  ...OFFERS.flatMap((offer, index) => cases(`13.${index + 1}`, SAMPLES[0] as Sample, offer)),
];

/** Without `--compression` the offers are declined, and the connection works without. */
export const declined: Case[] = OFFERS.map((offer, index) => ({
  id: `13.${index + 1}`,
  says: `declined without --compression: ${headerOf(offer)}`,
  async run(url) {
    const client = await RawClient.open(url, { offer: headerOf(offer) });
    assert.equal(client.compression, undefined, "permessage-deflate must not be agreed on");
    await client.echo("not compressed");
    await exchangeOn(client, { send: [], end: CLEAN });
  },
}));
