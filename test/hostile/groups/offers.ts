/** Offers of permessage-deflate, valid and not (RFC 6455 9.1, RFC 7692 5 and 7.1), to a server that compresses. */
import assert from "node:assert/strict";

import type { DeflateParameters } from "../../harness/deflate.js";
import { frame } from "../../harness/frames.js";
import { RawClient } from "../../harness/raw-client.js";
import type { Group, HostileCase } from "../harness/group.js";
import { requestCase } from "./requests.js";
import { upgradeRequest } from "../../harness/http.js";

/** What the agreement must hold, or that there is none, or that the header is malformed: then RFC 6455 9.1 refuses. */
type Answer = ((agreed: DeflateParameters) => boolean) | "declined" | "malformed";
type Row = readonly [offer: string, answer: Answer];

const PMD = "permessage-deflate";
const any = (): boolean => true;
const serverWindow = (bits: number) => (agreed: DeflateParameters) => (agreed.server_max_window_bits ?? 15) <= bits;
const clientWindow = (bits: number) => (agreed: DeflateParameters) =>
  Number(agreed.client_max_window_bits ?? 15) <= bits;
const noClientWindow = (agreed: DeflateParameters): boolean => agreed.client_max_window_bits === undefined;
const noServerTakeover = (agreed: DeflateParameters): boolean => agreed.server_no_context_takeover === true;

/** RFC 7692 7.1.2: a decimal without leading zeros from 8 to 15. */
const windowBits: Row[] = ["server_max_window_bits", "client_max_window_bits"].flatMap((parameter) => {
  const holds = parameter.startsWith("server") ? serverWindow : clientWindow;
  return [
    ...Array.from({ length: 21 }, (_, bits): Row => [
      `${PMD}; ${parameter}=${bits}`,
      bits >= 8 && bits <= 15 ? holds(bits) : "declined",
    ]),
    ...["08", "010", "+10", "-10", "1e1", "10.0", "0x0a", "ten", "99999999999999999999"].map((bits): Row => [
      `${PMD}; ${parameter}=${bits}`,
      "declined",
    ]),
    [`${PMD}; ${parameter}="10"`, holds(10)],
    [`${PMD}; ${parameter}="1\\0"`, holds(10)],
    [`${PMD}; ${parameter} = 10`, holds(10)],
    [`${PMD}; ${parameter}=10; ${parameter}=10`, "declined"],
    [`${PMD}; ${parameter}=10; ${parameter}=11`, "declined"],
    [`${PMD}; ${parameter}=`, "malformed"],
    [`${PMD}; ${parameter}=""`, "malformed"],
    [`${PMD}; ${parameter}="10`, "malformed"],
    [`${PMD}; ${parameter}="1 0"`, "malformed"],
    [`${PMD}; ${parameter}=1 0`, "malformed"],
    [`${PMD}; ${parameter}==10`, "malformed"],
  ];
});

const flags: Row[] = ["server_no_context_takeover", "client_no_context_takeover"].flatMap((flag): Row[] => [
  [`${PMD}; ${flag}`, flag.startsWith("server") ? noServerTakeover : any],
  [`${PMD}; ${flag}; ${flag}`, "declined"],
  [`${PMD}; ${flag}=true`, "declined"],
  [`${PMD}; ${flag}="1"`, "declined"],
  [`${PMD}; ${flag.toUpperCase()}`, "declined"],
]);

const OTHERS: readonly Row[] = [
  [PMD, noClientWindow],
  [`${PMD}; client_max_window_bits`, any],
  [`${PMD}; server_max_window_bits`, "declined"],
  [
    `${PMD};client_max_window_bits;server_no_context_takeover;client_no_context_takeover;server_max_window_bits=9`,
    (agreed) => serverWindow(9)(agreed) && noServerTakeover(agreed),
  ],
  [`  ${PMD}  ;  client_max_window_bits  `, any],
  [PMD.toUpperCase(), "declined"],
  [`${PMD}; unknown`, "declined"],
  [`${PMD}; unknown=1`, "declined"],
  [`${PMD}; client_max_window_bits; unknown`, "declined"],
  ["x-webkit-deflate-frame", "declined"],
  ["permessage-bzip2, permessage-lzma", "declined"],
  [`permessage-bzip2, ${PMD}`, any],
  [`${PMD}, ${PMD}`, any],
  [`${PMD}; unknown, ${PMD}; server_no_context_takeover`, noServerTakeover],
  [`${PMD}; server_max_window_bits=7, ${PMD}; server_max_window_bits=9, ${PMD}`, serverWindow(9)],
  [`${PMD}; server_max_window_bits=16, ${PMD}`, any],
  [`, ${PMD} ,,`, any],
  [Array.from({ length: 400 }, () => `${PMD}; x`).join(", "), "declined"],
  [`${PMD}; ${Array.from({ length: 500 }, (_, index) => `a${index}=1`).join("; ")}`, "declined"],
  [`${PMD}; __proto__`, "declined"],
  [`${PMD}; constructor=1`, "declined"],
  ["", "declined"],
  [",", "declined"],
  [";", "malformed"],
  [`${PMD};`, "malformed"],
  [`${PMD};;client_max_window_bits`, "malformed"],
  [`;${PMD}`, "malformed"],
  [`${PMD} client_max_window_bits`, "malformed"],
  [`"${PMD}"`, "malformed"],
  [`${PMD}; "client_max_window_bits"`, "malformed"],
  [`${PMD}; =10`, "malformed"],
  [`${PMD}=10`, "malformed"],
  [`${PMD}; client_max_window_bits="10\\"`, "malformed"],
  [`${PMD}, bad name`, "malformed"],
  [`${PMD}; a/b`, "malformed"],
  [`${PMD}; (comment)`, "malformed"],
];

function offerCase([offer, answer]: Row): HostileCase {
  const name = `offer ${JSON.stringify(offer.length > 90 ? `${offer.slice(0, 90)}…` : offer)}`;
  if (answer === "malformed") return requestCase(`${name} is refused`, (url) => upgradeRequest(url, { offer }), 400);
  return {
    name: `${name} is ${answer === "declined" ? "declined" : "accepted"}`,
    async run(server) {
      const client = await RawClient.open(server.url, { offer });
      try {
        const agreed = client.compression?.agreed;
        if (answer === "declined")
          assert.equal(agreed, undefined, `declining was expected, got ${JSON.stringify(agreed)}`);
        else assert.ok(agreed !== undefined && answer(agreed), `the answer ${JSON.stringify(agreed)} does not fit`);
        await roundTrips(client);
        await client.close();
        assert.deepEqual(client.violations, []);
      } finally {
        client.destroy();
      }
    },
  };
}

/** Longer than any window, so that a server which keeps to a larger one than agreed is found out. */
async function roundTrips(client: RawClient): Promise<void> {
  const text = Array.from({ length: 900 }, (_, index) => `message ${index % 450} `).join("");
  for (let repeat = 0; repeat < 2; repeat++) {
    const { compression } = client;
    if (compression === undefined) await client.sendFrame(frame.text(text));
    else await client.sendFrame(frame.text(compression.deflate(Buffer.from(text)), { rsv: 4 }));
    const message = await client.nextMessage();
    assert.equal(message.bytes.toString(), text);
    assert.equal(
      message.compressed,
      compression !== undefined,
      "a compressible message of 12 KiB comes back compressed if that was agreed",
    );
  }
}

export const offers: Group = { name: "RFC 7692 offers", cases: [...windowBits, ...flags, ...OTHERS].map(offerCase) };
