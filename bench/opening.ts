/** What a client does until it is where it wants to be: its handshake, what it says after that, and what it is told. */

import { encodeFrame } from "#hawser/protocol/encoder.js";
import { TEXT } from "#hawser/protocol/opcodes.js";

export type Dialect = "websocket" | "socketio" | "hawser.v1";

export interface Target {
  readonly port: number;
  readonly dialect: Dialect;
  /** Offer permessage-deflate. */
  readonly compression: boolean;
}

/** What a client of the hub brings along: its token, and its topics, with the position to resume from. */
export interface HubPlace {
  readonly token?: string;
  readonly subs: readonly (readonly [topic: string] | readonly [topic: string, offset: number, epoch: string])[];
  /** So many messages of each topic it has missed. It is in when it has all of them. */
  readonly missed?: number;
}

/** Where a client goes: a path as `readPath` of servers/control.mjs has it, or for a hub alone the topics. */
export type Place = string | HubPlace;

export interface Opening {
  readonly url: string;
  readonly subprotocol: string | null;
  /** What it says when it has heard so many messages. */
  readonly words: Buffer | null;
  readonly after: number;
  /** Messages that it has heard when it is in, and what is among them. */
  readonly answers: number;
  readonly expected: readonly string[];
}

/** A frame as a client has to send it. The key does not matter to the server's work, as long as there is one. */
export function masked(text: string): Buffer {
  return encodeFrame(TEXT, text, { maskingKey: 0x12345678 });
}

/** Socket.IO, after its WebSocket is open: a client asks for the default namespace. https://socket.io/docs/v4/socket-io-protocol/ */
const NAMESPACE_REQUEST = masked("40");

export function openingOf({ dialect }: Target, place: Place): Opening {
  if (dialect === "hawser.v1") return hubOpening(typeof place === "string" ? placeOf(place) : place);
  if (typeof place !== "string") throw new Error("topics are for the hub alone");
  const opening = { url: place, subprotocol: null, words: null, after: 0, answers: 0, expected: [] };
  if (dialect === "websocket") return opening;
  // "0{…}" opens, and "40{…}" grants what we ask for in between.
  const url = `/socket.io/?EIO=4&transport=websocket&at=${place}`;
  return { ...opening, url, words: NAMESPACE_REQUEST, after: 1, answers: 2 };
}

/** One `hello` with all topics in it, as the client library does it. */
function hubOpening({ token, subs, missed = 0 }: HubPlace): Opening {
  const hello = { hello: 1, id: 1, token, subs: subs.length === 0 ? undefined : subs };
  return {
    url: "/",
    subprotocol: "hawser.v1",
    words: masked(JSON.stringify(hello)),
    after: 0,
    answers: 1 + subs.length * (1 + missed),
    // An error would be an answer too.
    expected: [
      '{"hello":1,',
      ...subs.map((_sub, at) => `{"ok":${at + 2},`),
      ...(missed > 0 ? [`"replay":${missed}`] : []),
    ],
  };
}

function placeOf(path: string): HubPlace {
  const [, kind, room] = path.split("/");
  return { subs: kind === "room" ? [[`room:${room}`]] : [] };
}
