/** Practice 1: an address is no name. Two clients of one address, and one that comes back from the same port, are three. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { TEXT } from "hawser/protocol";
import { duration } from "../amounts.js";
import { type Check, fail, type Finding, notTestable, pass } from "../check.js";
import { type Context, Refused } from "../context.js";
import { MARK } from "../discover.js";
import type { Peer } from "../peer.js";
import { sleep } from "../sleep.js";

/** What a server does about a client that it takes for another one, it does within this time. */
const SETTLE_MS = 400;
const ANSWER_MS = 8000;
const QUICK_ANSWER_MS = 1500;

const advice = "give each connection an id of its own, such as crypto.randomUUID(); keep the address as an attribute";

export const sameAddress: Check = {
  practice: 1,
  name: "same-address",
  title: "two clients of one address stay two",
  does: "connects two clients from this address and looks whether each stays and gets its own messages",
  advice,
  async run(context) {
    const localAddress = context.nextAddress();
    const from = localAddress === undefined ? {} : { localAddress };
    const first = await context.open(from);
    await first.until(() => first.received.length > 0, 200);
    let second: Peer;
    try {
      second = await context.open(from);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return fail(`a second client from the same address was turned away: ${(error as Error).message}`);
    }
    await sleep(SETTLE_MS);
    const finding =
      gone(first, "the first client was dropped when the second came") ??
      gone(second, "the second client was dropped") ??
      sameName(first, second) ??
      (await mixUp(context, first, second)) ??
      pass("both stay, and each has its own messages");
    await Promise.all([first.close(), second.close()]);
    return finding;
  },
};

export const samePort: Check = {
  practice: 1,
  name: "same-port",
  title: "a reconnect from the same port is a new client",
  does: "resets a connection and connects again from the same local port, with a second client beside it",
  advice,
  async run(context) {
    // Bound by name both times: the system keeps a port that it chose itself for a while.
    const localPort = await freePort();
    const localAddress = context.nextAddress();
    const from = { localPort, ...(localAddress === undefined ? {} : { localAddress }) };
    const old = await context.open(from);
    const other = await context.open();
    await old.until(() => old.received.length > 0, 200);
    // A reset leaves no TIME_WAIT behind, so that the port is free at once.
    await old.reset();
    let again: Peer;
    try {
      again = await context.open(from);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return fail(`a reconnect from the same port was turned away: ${error.message}`);
    }
    await sleep(SETTLE_MS);
    const finding =
      gone(again, "the new connection was dropped with the old one") ??
      gone(other, "another client was dropped with the old connection") ??
      sameName(old, again) ??
      (await mixUp(context, again, other)) ??
      pass(`reset and back from port ${localPort}: the new connection stays and has its own messages`);
    await Promise.all([again.close(), other.close()]);
    return finding;
  },
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function gone(peer: Peer, seen: string): Finding | undefined {
  if (!peer.isOver && peer.closed === undefined) return undefined;
  return fail(peer.closed === undefined ? seen : `${seen}, with ${peer.closed.code}`);
}

/** A greeting with an id in it, where the server sends one. */
function sameName(one: Peer, other: Peer): Finding | undefined {
  const [first, second] = [nameOf(one), nameOf(other)];
  return first !== undefined && first === second
    ? fail(`both were given the same id: ${first.slice(0, 60)}`)
    : undefined;
}

const NAMED = /"?\b(?:id|client_?id|connection_?id|socket_?id|peer_?id|sid)\b"?\s*[:=]\s*"?([\w.:[\]-]{1,80})/i;

function nameOf({ received }: Peer): string | undefined {
  return (
    received
      .filter(({ type, payload }) => type === "text" && !payload.includes(MARK))
      .map(({ payload }) => NAMED.exec(payload.toString())?.[1])
      // A bare number may count messages.
      .find((name) => name !== undefined && !/^\d+$/.test(name))
  );
}

/** Whether what is meant for one comes to the other, or to nobody. */
async function mixUp({ nature, quick }: Context, one: Peer, other: Peer): Promise<Finding | undefined> {
  if (nature.sample === null) return undefined;
  const answerMs = quick ? QUICK_ANSWER_MS : ANSWER_MS;
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const token = `${MARK} ${Math.random()}`;
    from.send({ opcode: TEXT, payload: nature.sample.replace(MARK, token) });
    const isLost = async (peer: Peer): Promise<boolean> => !(await peer.hears(token, answerMs));
    if (nature.echoes && (await isLost(from))) {
      // Whoever answers a ping that was sent later has had the message.
      if (nature.answersPings && (await from.ping(answerMs)) === undefined)
        return notTestable(`it answers nothing within ${duration(answerMs)}`);
      return fail(`a client's echo ${(await to.hears(token, 0)) ? "went to the other one" : "did not come"}`);
    }
    if (nature.relays && (await isLost(to))) {
      if (nature.answersPings && (await to.ping(answerMs)) === undefined)
        return notTestable(`it answers nothing within ${duration(answerMs)}`);
      return fail("what one client sends no longer comes to the other");
    }
  }
  return undefined;
}
