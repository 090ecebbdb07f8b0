/** Who may come in: what a handshake says of a client, and where tokens are asked for, what its token does. */
import type { JwtVerifier, Verified } from "@hawser/jwt";
import { coversTopic, fieldKinds } from "@hawser/wire/server";
import { Refuse, type ServerOptions, type UpgradeRequest } from "hawser";
import { type Guest, roomOf } from "./rooms.js";

const SUBPROTOCOL = "hawser.v1";
/** RFC 6750 3: what is wrong with a token is a word of the challenge. */
const REALM = 'Bearer realm="hawser"';

/** Of `hawser.v1`: it says who it is in its hello, and names its rooms itself. */
const ofTheHub: Guest = { room: "", user: undefined, mayRead: true, mayPublish: true };

/** How the server comes to know its clients. @param verify undefined: everybody may come in */
export function guests(verify: JwtVerifier | undefined): Pick<ServerOptions<Guest>, "authenticate" | "data"> {
  if (verify === undefined) {
    return { data: (request) => (isOfTheHub(request) ? ofTheHub : guest(checkedRoom(request), undefined)) };
  }
  return {
    authenticate: (request) => {
      if (isOfTheHub(request)) return ofTheHub;
      const room = checkedRoom(request);
      return verify(bearerOf(request)).then((result) => {
        if ("code" in result) throw refusalOf(result);
        const admitted = guest(room, result);
        if (admitted.mayRead || admitted.mayPublish) return admitted;
        throw new Refuse(403, "The token is not for this room.", {
          "WWW-Authenticate": `${REALM}, error="insufficient_scope"`,
        });
      });
    },
  };
}

function guest(room: string, user: Verified | undefined): Guest {
  const topics = user?.topics;
  return {
    room,
    user,
    mayRead: topics === undefined || coversTopic(topics.subscribe, room),
    mayPublish: topics === undefined || coversTopic(topics.publish, room),
  };
}

/** The server speaks it, and prefers it to all others. */
function isOfTheHub({ subprotocols }: UpgradeRequest): boolean {
  return subprotocols.includes(SUBPROTOCOL);
}

/** @throws Refuse for a path whose room cannot be a topic */
function checkedRoom({ path }: UpgradeRequest): string {
  const room = roomOf(path);
  switch (fieldKinds.name.check(room)) {
    case undefined:
      return room;
    case "too-big":
      throw new Refuse(414, "The path is no room: a room's name has 255 bytes at most.");
    default:
      throw new Refuse(400, "The path is no room: there are control characters in its name.");
  }
}

function bearerOf({ headers }: UpgradeRequest): string | undefined {
  return /^Bearer +(?<token>\S+) *$/i.exec(headers.authorization ?? "")?.groups?.["token"];
}

function refusalOf({ code, sentence, retryMs }: Exclude<Awaited<ReturnType<JwtVerifier>>, Verified>): Refuse {
  const said = `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`;
  if (code === "unavailable") {
    return new Refuse(503, said, { "Retry-After": String(Math.ceil((retryMs ?? 1000) / 1000)) });
  }
  return new Refuse(401, said, { "WWW-Authenticate": `${REALM}, error="invalid_token"` });
}
