/** The server of the command, of what is configured. */
import { createServer, type Server, type ServerOptions } from "hawser";
import type { Configuration } from "../config/configure.js";
import { readTls, type TlsFiles } from "../config/tls-files.js";
import type { Log } from "../log/log.js";
import type { CommandHub } from "./hub.js";
import { plainHttp } from "./plain-http.js";
import { echo, type Guest } from "./rooms.js";

/** @throws ConfigError when the certificate cannot be read */
export function makeServer(
  { own, server: options }: Configuration,
  tls: TlsFiles | undefined,
  hub: CommandHub | null,
  log: Log,
): Server<Guest> {
  const all: ServerOptions<Guest> = {
    ...options,
    ...plainHttp(() => server, hub, own, options.path),
    ...(tls === undefined ? {} : { tls: readTls(tls) }),
    logger: log.logger,
  };
  const server: Server<Guest> = createServer<Guest>(hub === null ? { ...all, ...echo() } : hub.serverOptions(all));
  return server;
}
