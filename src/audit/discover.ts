/** The first look: is this a WebSocket server, what does it ask of a handshake, and what does it do with messages? */
import { acceptValue, BINARY, TEXT } from "../protocol/index.js";
import { TargetError } from "../tools/target.js";
import { type Context, freshKey } from "./context.js";
import type { Peer } from "./peer.js";

/** In every message that the audit sends. */
export const MARK = "hawser-audit";

/** A server greets or answers within this time, or it does not. */
const LOOK_MS = 300;

/** @throws TargetError: unreachable, or no WebSocket server */
export async function discover(context: Context): Promise<void> {
  await firstHandshake(context);
  const first = await context.open();
  await first.until(() => first.received.length > 0, LOOK_MS);
  context.nature.speaksEngineIo = first.received.some(({ payload }) => payload.toString().startsWith('0{"sid":'));
  void first.close();
  if (context.nature.speaksEngineIo) context.nature.sample = `42["${MARK}",1]`;
  await Promise.all([findSafeLength(context), context.nature.speaksEngineIo ? undefined : findAnswers(context)]);
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
  throw new TargetError(`${target.url.href} ${refusal(first)}`);
}

interface Answer {
  /** 0: none. */
  readonly status: number;
  readonly isAcceptRight: boolean;
  readonly what: "response" | "garbage" | "ended" | "silence";
}

async function answer(context: Context, changes: Readonly<Record<string, string>>): Promise<Answer> {
  const { target } = context;
  const key = freshKey();
  let peer: Peer;
  try {
    peer = await context.connect();
  } catch (error) {
    const { code = "no connection" } = error as NodeJS.ErrnoException;
    throw new TargetError(`${target.url.href} cannot be reached (${code})`);
  }
  const response = await peer.request(context.handshake(key, changes));
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
  if (what === "silence") return "is no WebSocket server: it did not answer the handshake within 5 s";
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

/** Sends text, or JSON where plain text is not taken, with a second client to listen. */
async function findAnswers(context: Context): Promise<void> {
  const { nature } = context;
  for (const sample of [`${MARK} hello`, `{"type":"${MARK}"}`]) {
    const [sender, listener] = await Promise.all([context.open(), context.open()]);
    sender.send({ opcode: TEXT, payload: sample });
    const [echoes, relays] = await Promise.all([
      sender.until(() => hasMark(sender) || sender.closed !== undefined || sender.isOver, LOOK_MS),
      listener.hears(MARK, LOOK_MS),
    ]);
    const isTaken = sender.closed === undefined && !sender.isOver;
    void sender.close();
    void listener.close();
    if (!isTaken) continue;
    Object.assign(nature, { sample, echoes, relays });
    return;
  }
}

function hasMark({ received }: Peer): boolean {
  return received.some(({ type, payload }) => (type === "text" || type === "binary") && payload.includes(MARK));
}
