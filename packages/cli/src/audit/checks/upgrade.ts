/** Practice 10: what a handshake is asked before it becomes a client. */
import { isLoopback } from "hawser/tools";
import { type Check, fail, notTestable, pass, warn } from "../check.js";
import type { Context } from "../context.js";
import type { Headers } from "../http.js";

interface Outcome {
  /** 0: no answer. */
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Close code, where it was taken and closed right away; 0: closed without one. */
  readonly closedWith: number | undefined;
}

/** A server that takes a handshake to close it does so at once. */
const LOOK_MS = 500;

async function attempt(context: Context, changes: Headers): Promise<Outcome> {
  const peer = await context.tryHandshake(changes);
  const status = peer.response?.status ?? 0;
  const isEnded = (): boolean => peer.closed !== undefined || peer.isOver;
  if (status === 101 && !(await peer.until(isEnded, LOOK_MS))) await context.settled();
  const closedWith = peer.closed?.code ?? (status === 101 && peer.isOver ? 0 : undefined);
  if (closedWith === undefined && status === 101) await peer.close();
  else peer.destroy();
  return { status, headers: peer.response?.headers ?? new Map<string, string>(), closedWith };
}

export const originCheck: Check = {
  practice: 10,
  name: "origin",
  title: "pages of other sites may not connect",
  does: "sends handshakes as a page of another site would, and one as a client that is no browser",
  advice: "compare Origin with a list of your own, and answer others 403: browsers send cookies along from any site",
  async run(context) {
    const { host } = context.target;
    const name = context.target.url.hostname;
    // A comparison by prefix or by a part of the name takes the second one.
    const strange = ["https://attacker.example", `https://${name}.attacker.example`];
    const outcomes = await Promise.all(strange.map((Origin) => attempt(context, { Origin })));
    const [first] = outcomes;
    const measured = { crossSiteStatus: first?.status ?? 0, needsOrigin: context.nature.neededOrigin !== undefined };
    const taken = strange.filter((_, at) => outcomes[at]?.status === 101 && outcomes[at]?.closedWith === undefined);
    context.takesAnyOrigin = taken.length > 0;
    if (taken.length > 0) return fail(`Origin ${taken.join(" and ")}: accepted`, measured);
    const late = outcomes.find(({ status }) => status === 101);
    if (late !== undefined)
      return warn(`Origin ${strange[0]}: accepted, then closed with ${late.closedWith || "no close frame"}`, measured);
    const status = first?.status === 0 ? "no answer" : `${first?.status}`;
    if (context.nature.neededOrigin !== undefined)
      return warn(`Origin ${strange[0]}: ${status}; a client without Origin, no browser, is refused too`, measured);
    const own = await attempt(context, { Origin: `${context.target.isSecure ? "https" : "http"}://${host}` });
    return pass(`Origin ${strange[0]}: ${status}; without Origin: 101; its own: ${own.status}`, {
      ...measured,
      ownStatus: own.status,
    });
  },
};

export const rebinding: Check = {
  practice: 10,
  name: "rebinding",
  title: "pages of a name that was bound to this machine may not connect",
  does: "on a loopback address, sends a handshake whose Host and Origin are the same strange name",
  advice:
    "on a loopback listener take known hosts alone: DNS rebinding makes any site's page same-origin with what compares Origin with Host",
  async run(context) {
    const { address, port, isSecure } = context.target;
    if (!isLoopback(address)) return notTestable("it is not reached by a loopback address");
    if (context.takesAnyOrigin) return notTestable("pages of any site may connect");
    const host = `attacker.example:${port}`;
    const origin = `${isSecure ? "https" : "http"}://${host}`;
    const { status, closedWith } = await attempt(context, { Host: host, Origin: origin });
    const measured = { status };
    const seen = `Host ${host} with its Origin`;
    if (status !== 101) return pass(`${seen}: ${status || "no answer"}`, measured);
    if (closedWith === undefined) return fail(`${seen}: accepted`, measured);
    return warn(`${seen}: accepted, then closed with ${closedWith || "no close frame"}`, measured);
  },
};

export const versionNegotiation: Check = {
  practice: 10,
  name: "version",
  title: "another version or a bad key is refused",
  does: "sends a handshake with Sec-WebSocket-Version: 99, and some without a valid key",
  advice: "answer another version with 426 and Sec-WebSocket-Version: 13 (RFC 6455 4.4), a bad key with 400",
  link: "docs/causes-and-close-codes.md#handshakes-that-are-refused",
  async run(context) {
    const [version, noKey, shortKey] = await Promise.all([
      attempt(context, { "Sec-WebSocket-Version": "99" }),
      attempt(context, { "Sec-WebSocket-Key": null }),
      attempt(context, { "Sec-WebSocket-Key": "c2hvcnQ=" }),
    ]);
    const measured = { versionStatus: version.status, noKeyStatus: noKey.status, shortKeyStatus: shortKey.status };
    if (!context.nature.isAcceptRight) return fail("Sec-WebSocket-Accept does not answer the key (4.2.2)", measured);
    if (version.status === 101) return fail("version 99: accepted", measured);
    if (noKey.status === 101) return fail("a handshake without a key: accepted", measured);
    const offered = version.headers.get("sec-websocket-version");
    const seen = `version 99: ${version.status || "no answer"}, ${offered === undefined ? "without a version that it takes" : `takes ${offered}`}; no key: ${noKey.status || "no answer"}`;
    if (shortKey.status === 101) return warn(`${seen}; a key of 5 bytes: accepted`, measured);
    return offered === undefined ? warn(seen, measured) : pass(seen, measured);
  },
};

/** A token that no server has. */
const STRANGE = "hawser-audit.unknown";

export const subprotocol: Check = {
  practice: 10,
  name: "subprotocol",
  title: "a subprotocol is chosen from what it knows",
  does: "offers a subprotocol that does not exist, and none",
  advice: "choose a subprotocol that both sides know; where there is none, answer without the header or refuse",
  async run(context) {
    const wanted = context.options.subprotocol;
    const [strange, none] = await Promise.all([
      attempt(context, { "Sec-WebSocket-Protocol": STRANGE }),
      attempt(context, { "Sec-WebSocket-Protocol": null }),
    ]);
    const chosen = strange.headers.get("sec-websocket-protocol");
    const unasked = none.headers.get("sec-websocket-protocol");
    const measured = { unknownStatus: strange.status, chosen: chosen ?? null };
    // RFC 6455 4.1: the client has to fail the connection then.
    if (none.status === 101 && unasked !== undefined)
      return fail(`chose ${unasked}, though none was offered`, measured);
    if (strange.status === 101 && chosen !== undefined && chosen !== STRANGE)
      return fail(`chose ${chosen}, which was not offered`, measured);
    const answer = strange.status === 101 ? "101 without one" : `${strange.status || "no answer"}`;
    const seen = `offered one that does not exist: ${chosen === undefined ? answer : "took it"}`;
    if (chosen !== undefined) return warn(`${seen}, as if it knew it`, measured);
    return pass(wanted === undefined ? seen : `${seen}; ${wanted}: taken`, measured);
  },
};
