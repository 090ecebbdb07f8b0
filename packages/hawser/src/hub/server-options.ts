import { SUBPROTOCOL } from "@hawser/wire";
import type { ServerOptions } from "../server/api/options.js";
import type { HubNode } from "./hub-node.js";

/** An application's options for its server, with those of the hub among them. */
export function withHub<Data>(node: HubNode, own: ServerOptions<Data>): ServerOptions<Data> {
  const { open, message, drain, close, subprotocols = [] } = own;
  return {
    ...own,
    subprotocols: [SUBPROTOCOL, ...subprotocols],
    open: (client, request) => {
      if (client.subprotocol === SUBPROTOCOL) node.opened(client);
      else node.openedPlain(client);
      return open?.(client, request);
    },
    message: (client, received) => {
      const session = node.sessionOf(client);
      return session === undefined ? message?.(client, received) : session.receive(received);
    },
    drain: (client) => {
      node.drained(client);
      return node.sessionOf(client) === undefined ? drain?.(client) : undefined;
    },
    close: (client, disconnect) => {
      node.closed(client, disconnect);
      return close?.(client, disconnect);
    },
  };
}
