/** The first look: is this a WebSocket server, what does it ask of a handshake, and what does it do with messages? */
import { acceptValue, BINARY, TEXT } from "hawser/protocol";
import { nameOf, TargetError } from "../tools/target.js";
import { type Context, freshKey } from "./context.js";
import type { Peer } from "./peer.js";

/** In every message that the audit sends. */
export const MARK = "hawser-audit";

/** A server greets or answers within this time, or it does not. */
const LOOK_MS = 300;
/** @throws TargetError: unreachable, or no WebSocket server */
export async function discover(context: Context): Promise<void> {
  await firstHandshake(context);
}

/** What it does with a client, with a second one, and with messages. */
export async function observe(context: Context): Promise<void> {
  const first = await context.open();
  await first.until(() => first.received.length > 0, LOOK_MS);
  context.nature.speaksEngineIo = first.received.some(({ payload }) => payload.toString().startsWith('0{"sid":'));
  // One that is dropped for the ping has not been asked.
  context.nature.answersPings = (await first.ping(context.answerMs)) !== undefined || first.isOver;
  context.nature.takesOnePerAddress = !(await staysBeside(context, first));
  void first.close();
  if (context.nature.speaksEngineIo) context.nature.sample = `42["${MARK}",1]`;
  else await findAnswers(context);
  await findSafeLength(context);
}

/** Whether a client stays when another one comes from the same address, and that one as well. */
async function staysBeside(context: Context, first: Peer): Promise<boolean> {
  if (first.isOver) return true; // for another reason
  let second: Peer;
  try {
    second = await context.open();
  } catch {
    return false;
  }
  const isGone = (peer: Peer): boolean => peer.closed !== undefined || peer.isOver;
  await Promise.race([first.until(() => isGone(first), 150), second.until(() => isGone(second), 150)]);
  const bothStay = !isGone(first) && !isGone(second);
  await second.close();
  return bothStay;
}

async function firstHandshake(context: Context): Promise<void> {
  const { target, nature, options } = context;
  const first = await answer(context, {});
  if (first.status === 101) {
    nature.isAcceptRight = first.isAcceptRight;
    return;
  }
  // RFC 6455 10.2 lets a server insist on an Origin. Its own is the one that it takes most likely.
  const own = `${target.isSecure ? "https" : "http"}://${target.host}`;
  if (options.origin === undefined && first.status >= 400) {
    const second = await answer(context, { Origin: own });
    if (second.status === 101) {
      nature.neededOrigin = own;
      nature.isAcceptRight = second.isAcceptRight;
      return;
    }
  }
  const hint = await elsewhere(context).catch(() => "");
  throw new TargetError(`${nameOf(target)} ${refusal(first)}${hint}`);
}

/** Where libraries with a protocol of their own listen, whatever the path of the page is. */
const ELSEWHERE = [
  { library: "Socket.IO", path: "/socket.io/?EIO=4&transport=websocket" },
  { library: "Engine.IO", path: "/engine.io/?EIO=4&transport=websocket" },
] as const;

/** Their users know the address of the server, and never see the path that the library appends to it. */
async function elsewhere(context: Context): Promise<string> {
  const { target } = context;
  const others = ELSEWHERE.filter(({ path }) => path !== target.path);
  const statuses = await Promise.all(others.map(async ({ path }) => (await answer(context, {}, path)).status));
  const found = others[statuses.indexOf(101)];
  return found === undefined
    ? ""
    : `; ${found.library} answers at ${nameOf({ ...target, url: new URL(found.path, target.url) })}`;
}

interface Answer {
  /** 0: none. */
  readonly status: number;
  readonly isAcceptRight: boolean;
  readonly what: "response" | "garbage" | "ended" | "silence";
}

async function answer(
  context: Context,
  changes: Readonly<Record<string, string>>,
  path: string = context.target.path,
): Promise<Answer> {
  const { target } = context;
  const key = freshKey();
  let peer: Peer;
  try {
    peer = await context.connect();
  } catch (error) {
    const { code = "no connection" } = error as NodeJS.ErrnoException;
    throw new TargetError(`${nameOf(target)} cannot be reached (${code})`);
  }
  const response = await peer.request(context.handshake(key, changes, path));
  const what = response !== undefined ? "response" : peer.isGarbage ? "garbage" : peer.isOver ? "ended" : "silence";
  peer.destroy();
  return {
    status: response?.status ?? 0,
    isAcceptRight: response?.headers.get("sec-websocket-accept") === acceptValue(key),
    what,
  };
}

function refusal({ status, what }: Answer): string {
  if (what === "garbage") return "is no WebSocket server: it answered the handshake with something else than HTTP";
  if (what === "ended") return "is no WebSocket server: it ended the connection without an answer to the handshake";
  if (what === "silence") return "is no WebSocket server: it did not answer the handshake in time";
  if (status === 401 || status === 403)
    return `refused the handshake with ${status}: --header "Name: value" gives credentials, --origin an origin`;
  return `answered the handshake with ${status}: no WebSocket server, not at this path, or it wants --subprotocol`;
}

/** Declares lengths, without their payload: who refuses one closes. */
async function findSafeLength(context: Context): Promise<void> {
  const lengths = [16 * 1024, 1024];
  const taken = await Promise.all(
    lengths.map(async (declaredLength) => {
      // A pong in the middle of a frame would be taken for its payload.
      const peer = await context.open({ isPolite: false });
      peer.send({ opcode: BINARY, declaredLength });
      const isRefused = await peer.until(() => peer.closed !== undefined || peer.isOver, LOOK_MS);
      peer.destroy();
      return !isRefused;
    }),
  );
  context.nature.safeBytes = lengths.find((_, at) => taken[at] === true) ?? 100;
}

/** Sends text, or JSON where plain text is not taken, alone at first and then with a second client beside it. */
async function findAnswers(context: Context): Promise<void> {
  const { nature } = context;
  for (const sample of [`${MARK} hello`, `{"type":"${MARK}"}`]) {
    const one = await context.open();
    one.send({ opcode: TEXT, payload: sample });
    const isGone = (): boolean => one.closed !== undefined || one.isOver;
    await one.until(() => hasMark(one) || isGone(), LOOK_MS);
    if (isGone()) {
      one.destroy();
      continue;
    }
    Object.assign(nature, { sample, echoes: hasMark(one) });
    await one.close();
    // Where it relays between two addresses and not within one, that is what the checks of identification are to find.
    nature.relays =
      (await relays(context, sample)) ||
      (!nature.echoes && context.canSpread && (await relays(context, sample, "127.2.0.1", "127.2.0.2")));
    return;
  }
}

/** Whether a message goes from one client to another; in either direction, since a server that mixes clients up may know one only. */
async function relays(context: Context, sample: string, ...addresses: readonly string[]): Promise<boolean> {
  const [one, other] = await Promise.all(
    [addresses[0], addresses[1]].map((localAddress) =>
      context.open(localAddress === undefined ? {} : { localAddress }),
    ),
  );
  if (one === undefined || other === undefined) return false;
  one.send({ opcode: TEXT, payload: sample.replace(MARK, `${MARK}-one`) });
  other.send({ opcode: TEXT, payload: sample.replace(MARK, `${MARK}-other`) });
  const heard = await Promise.all([other.hears(`${MARK}-one`, LOOK_MS), one.hears(`${MARK}-other`, LOOK_MS)]);
  await Promise.all([one.close(), other.close()]);
  return heard.includes(true);
}

function hasMark({ received }: Peer): boolean {
  return received.some(({ type, payload }) => (type === "text" || type === "binary") && payload.includes(MARK));
}
