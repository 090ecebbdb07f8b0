/** What the server does with messages: every path is a room, and a room is a topic of the hub. */
import type { Verified } from "@hawser/jwt";
import { systemClock, type Client, type Handlers } from "hawser";
import { type Hub, HubError } from "hawser/hub";
import { SampledLog } from "hawser/tools";
import type { Log } from "../log/log.js";

/** What the server knows of a client besides the connection. */
export interface Guest {
  /** A plain client's room. Clients of `hawser.v1` subscribe to any they like, whatever their path: theirs is "". */
  readonly room: string;
  /** Who a plain client is by its token. */
  readonly user: Verified | undefined;
  readonly mayRead: boolean;
  readonly mayPublish: boolean;
}

/** RFC 6455 7.4.1: a message that violates the endpoint's policy. */
const NOT_ALLOWED = 1008;
/**
 * What one client may have on its way to the engine at once: so many messages, and so many bytes before the last of them. They keep their order, and
 * what comes in one read goes there, and out again to the others, in one write: one at a time, each would be a turn of its own in every process.
 */
const MOST_UNDER_WAY = 32;
const MOST_BYTES_UNDER_WAY = 64 * 1024;
/** Try again later. */
const LATER = 1013;

/** Plain clients: what one sends goes to everyone else in its room. The hub sees to the others. */
export function rooms(hub: Hub, { logger }: Pick<Log, "logger">): Handlers<Guest> {
  const log = new SampledLog(logger, systemClock);
  const underWay = new WeakMap<Client<Guest>, { count: number; bytes: number }>();
  const failed = ({ id, data: { room } }: Client<Guest>, error: unknown): void => {
    // Whatever it was, nobody waits for it: thrown from here, it would end the process.
    const code = error instanceof HubError ? error.code : "failed";
    const reason = (error as Error).message;
    log.warn("room-failed", { event: "room-failed", id, room, code, reason }, "a message was lost: the room failed");
  };
  return {
    open(client): unknown {
      const { room, mayRead } = client.data;
      if (room === "") return undefined;
      if (!mayRead) return undefined;
      return hub.join(client, room).catch((error: unknown) => {
        client.close(LATER, "the room cannot be had at the moment");
        failed(client, error);
      });
    },
    message(client, message): unknown {
      const { room, user, mayPublish } = client.data;
      if (!mayPublish) {
        client.close(NOT_ALLOWED, "the token is not for publishing to this room");
        return undefined;
      }
      const own = underWay.get(client) ?? { count: 0, bytes: 0 };
      underWay.set(client, own);
      const bytes = message.byteLength;
      own.count++;
      own.bytes += bytes;
      const published = hub
        .publish(room, message, { by: user?.user, except: client })
        .catch((error: unknown) => failed(client, error))
        .finally(() => {
          own.count--;
          own.bytes -= bytes;
        });
      // Who sends faster than the engine takes it is read no further.
      return own.count < MOST_UNDER_WAY && own.bytes < MOST_BYTES_UNDER_WAY ? undefined : published;
    },
  };
}

/** Each message goes back to its sender, on any path. One who sends faster than they read is read no further (see Client). */
export function echo<Data>(): Handlers<Data> {
  return {
    message(client, message): void {
      client.send(message);
    },
  };
}

/**
 * The room of a path: `/lobby`, `/lobby/` and `/%6Cobby` are one, for people type them all; `/a%2Fb` is not `/a/b`.
 * What is not UTF-8 when decoded stays as it was sent.
 */
export function roomOf(path: string): string {
  const room = decoded(path);
  // Not by a regular expression: one that looks for the end tries anew at each slash.
  let end = room.length;
  while (end > 1 && room[end - 1] === "/") end--;
  return room.slice(0, end);
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
