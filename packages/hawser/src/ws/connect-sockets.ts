import { connect, isIP, type NetConnectOpts, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { loadTls } from "../server/sockets/node-http.js";

/** What node:http hands to `createConnection`: its `path` is that of the request. */
type RequestedConnection = NetConnectOpts & { path?: string | undefined; socketPath?: string | undefined };

export function connectNet(options: RequestedConnection): Socket {
  return connect({ ...options, path: options.socketPath } as NetConnectOpts);
}

export function connectTls(options: ConnectionOptions): Socket {
  const { servername, host = "" } = options;
  // RFC 6066 3: "Literal IPv4 and IPv6 addresses are not permitted" as a server's name.
  const name = servername ?? (isIP(host) === 0 ? host : "");
  const { path: _path, ...rest } = options;
  return loadTls().connect({ ...rest, servername: name });
}
