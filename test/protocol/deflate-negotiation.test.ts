import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { negotiateDeflate, type DeflateOptions, type DeflateParameters } from "#hawser/protocol/deflate-negotiation.js";
import { formatExtension, parseExtensions } from "#hawser/protocol/extensions.js";
import { WsDeflate, wsExtension, type WsOffer } from "./harness/ws-deflate.js";

const OPTIONS: DeflateOptions = {
  contextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  level: 3,
  memLevel: 8,
  thresholdBytes: 1024,
};
const TAKEOVER: DeflateOptions = { ...OPTIONS, contextTakeover: true };

function negotiate(header: string, options = OPTIONS) {
  return negotiateDeflate(parseExtensions(header) ?? assert.fail("malformed"), options);
}

/** Short for parameters: `server/client`, each with the window's bits and a "+" for context takeover. */
function brief(parameters: DeflateParameters): string {
  const { serverNoContextTakeover: server, clientNoContextTakeover: client } = parameters;
  return `${parameters.serverMaxWindowBits}${server ? "" : "+"}/${parameters.clientMaxWindowBits}${client ? "" : "+"}`;
}

describe("negotiateDeflate accepts", () => {
  const none = "server_no_context_takeover; client_no_context_takeover";
  const small = { serverMaxWindowBits: 10, clientMaxWindowBits: 9 };
  const rows: Array<[offer: string, options: DeflateOptions, answer: string, agreed: string]> = [
    ["", OPTIONS, none, "15/15"],
    ["", TAKEOVER, "", "15+/15+"],
    ["client_max_window_bits", OPTIONS, none, "15/15"],
    ["client_max_window_bits", TAKEOVER, "", "15+/15+"],
    ["server_no_context_takeover", TAKEOVER, "server_no_context_takeover", "15/15+"],
    ["client_no_context_takeover", TAKEOVER, "client_no_context_takeover", "15+/15"],
    ["client_no_context_takeover; server_no_context_takeover", TAKEOVER, none, "15/15"],
    ["server_max_window_bits=15", TAKEOVER, "server_max_window_bits=15", "15+/15+"],
    ["server_max_window_bits=8", TAKEOVER, "server_max_window_bits=8", "8+/15+"],
    ["server_max_window_bits=8", OPTIONS, `${none}; server_max_window_bits=8`, "8/15"],
    ['server_max_window_bits="12"', TAKEOVER, "server_max_window_bits=12", "12+/15+"],
    ["client_max_window_bits=15", TAKEOVER, "", "15+/15+"],
    ["client_max_window_bits=8", TAKEOVER, "client_max_window_bits=8", "15+/8+"],
    // Our own limits: smaller of the two, but the client can be told only if it offers to be.
    ["", { ...TAKEOVER, ...small }, "server_max_window_bits=10", "10+/15+"],
    [
      "client_max_window_bits",
      { ...TAKEOVER, ...small },
      "server_max_window_bits=10; client_max_window_bits=9",
      "10+/9+",
    ],
    [
      "client_max_window_bits=12",
      { ...TAKEOVER, ...small },
      "server_max_window_bits=10; client_max_window_bits=9",
      "10+/9+",
    ],
    [
      "client_max_window_bits=8",
      { ...TAKEOVER, ...small },
      "server_max_window_bits=10; client_max_window_bits=8",
      "10+/8+",
    ],
    ["server_max_window_bits=9", { ...TAKEOVER, ...small }, "server_max_window_bits=9", "9+/15+"],
    ["server_max_window_bits=11", { ...TAKEOVER, ...small }, "server_max_window_bits=10", "10+/15+"],
    [
      "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; client_max_window_bits=10",
      TAKEOVER,
      `${none}; server_max_window_bits=11; client_max_window_bits=10`,
      "11/10",
    ],
  ];
  for (const [offer, options, answer, agreed] of rows) {
    const limits = `${options.contextTakeover ? "takeover" : "none"} ${options.serverMaxWindowBits} ${options.clientMaxWindowBits}`;
    it(`"${offer}" with ${limits}: ${agreed}`, () => {
      const agreement = negotiate(["permessage-deflate", offer].filter(Boolean).join("; "), options);
      assert.ok(agreement);
      assert.equal(agreement.header, ["permessage-deflate", answer].filter(Boolean).join("; "));
      assert.equal(brief(agreement.parameters), agreed);
      assert.ok(Object.isFrozen(agreement.parameters));
    });
  }
});

describe("negotiateDeflate declines", () => {
  const offers = [
    "x-made-up",
    "Server_no_context_takeover",
    "server_no_context_takeover=true",
    "client_no_context_takeover=1",
    "server_no_context_takeover; server_no_context_takeover",
    "client_max_window_bits; client_max_window_bits=10",
    "server_max_window_bits",
    ...["server_max_window_bits", "client_max_window_bits"].flatMap((name) =>
      ["7", "16", "0", "-8", "08", "010", "0x9", "1e1", "9.0", "+9", "nine", "99999999999999999999"].map(
        (value) => `${name}=${value}`,
      ),
    ),
  ];
  for (const offer of offers) {
    it(offer, () => {
      assert.equal(negotiate(`permessage-deflate; ${offer}`), null);
      // And goes on to the next.
      assert.equal(
        brief(negotiate(`permessage-deflate; ${offer}, permessage-deflate`, TAKEOVER)?.parameters ?? assert.fail()),
        "15+/15+",
      );
    });
  }

  it("other extensions, and an empty list", () => {
    assert.equal(negotiate("x-webkit-deflate-frame, Permessage-Deflate, permessage-bzip2"), null);
    assert.equal(negotiateDeflate([], OPTIONS), null);
  });
});

it("negotiateDeflate takes the first of several", () => {
  const header = "permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=12";
  assert.equal(brief(negotiate(header, TAKEOVER)?.parameters ?? assert.fail()), "10+/15+");
});

describe("compared with ws", () => {
  // ws refuses the whole handshake for one invalid offer, where RFC 7692 7.1 says to decline it: so it is asked about each offer
  // by itself. Left out are numbers such as "08" and "1e1", which it takes and 7.1.2.1 forbids.
  const bits = fc.integer({ min: 6, max: 17 }).map(String);
  const param = fc.oneof(
    fc.tuple(fc.constantFrom("server_no_context_takeover", "client_no_context_takeover"), fc.constant(true as const)),
    fc.tuple(fc.constantFrom("server_max_window_bits", "client_max_window_bits"), bits),
    fc.tuple(
      fc.constantFrom("client_max_window_bits", "server_max_window_bits", "x-made-up"),
      fc.constant(true as const),
    ),
  );
  const offer = fc.record({
    name: fc.constantFrom("permessage-deflate", "x-made-up"),
    params: fc.array(param, { maxLength: 3 }),
  });

  it("the same offers come to the same parameters", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(offer, { minLength: 1, maxLength: 3 }), fc.boolean(), (offers, contextTakeover) => {
        const ours = negotiateDeflate(offers, contextTakeover ? TAKEOVER : OPTIONS)?.parameters;
        const theirs = offers
          .map((one) => askWs(formatExtension(one), contextTakeover))
          .find((answer) => answer !== null);
        assert.equal(ours && brief(ours), theirs && brief(theirs));
        if (ours) accepted += 1;
      }),
      { numRuns: 3_000 },
    );
    assert.ok(accepted > 300, "most were declined: nothing was compared");
  });

  it("ws as the client takes our answer", () => {
    fc.assert(
      fc.property(
        fc.array(offer),
        fc.integer({ min: 8, max: 15 }),
        fc.integer({ min: 8, max: 15 }),
        (offers, server, client) => {
          const answer = negotiateDeflate(offers, {
            ...TAKEOVER,
            serverMaxWindowBits: server,
            clientMaxWindowBits: client,
          });
          if (answer === null) return;
          const peer = new WsDeflate({ isServer: false });
          const theirs = fromWs(peer.accept(wsExtension.parse(answer.header)["permessage-deflate"] ?? assert.fail()));
          assert.equal(brief(theirs), brief(answer.parameters));
        },
      ),
    );
  });
});

function askWs(header: string, contextTakeover: boolean): DeflateParameters | null {
  const offered = wsExtension.parse(header)["permessage-deflate"];
  if (offered === undefined) return null;
  const none = contextTakeover ? {} : { serverNoContextTakeover: true, clientNoContextTakeover: true };
  try {
    return fromWs(new WsDeflate({ isServer: true, ...none }).accept(offered));
  } catch {
    return null;
  }
}

function fromWs(params: WsOffer): DeflateParameters {
  return {
    serverNoContextTakeover: params.server_no_context_takeover ?? false,
    clientNoContextTakeover: params.client_no_context_takeover ?? false,
    serverMaxWindowBits: params.server_max_window_bits ?? 15,
    clientMaxWindowBits: params.client_max_window_bits ?? 15,
  };
}
