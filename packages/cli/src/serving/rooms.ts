/** What the server does with messages: every path is a room. */
import type { Client, Handlers, Message } from "hawser";

/** What rooms need of the server. */
export interface Publisher {
  publish(room: string, message: Message, options: { except: Client<string> }): unknown;
}

/** What a client sends goes to everyone else in its room, as the type it came in, and never decoded on the way. */
export function rooms(server: () => Publisher): Handlers<string> {
  return {
    open(client): void {
      client.data = roomOf(client.path);
      client.subscribe(client.data);
    },
    message(client, message): void {
      server().publish(client.data, message, { except: client });
    },
  };
}

/** Each message goes back to its sender, on any path. One who sends faster than they read is read no further (see Client). */
export function echo(): Handlers<string> {
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
