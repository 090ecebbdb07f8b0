/** Where `hawser serve` listens: an address and a port, a Unix socket, or what systemd passes on. */
import type { ListenTarget } from "hawser";
import { ConfigError, printable } from "./config-error.js";
import type { Environment } from "./environment.js";

/** The first descriptor that systemd passes on (sd_listen_fds(3)): SD_LISTEN_FDS_START. */
const FIRST_FD = 3;

interface OwnPlace {
  readonly host: string;
  readonly port: number;
  readonly socket: string | undefined;
  readonly socketMode: string;
}

/** A socket of systemd's goes before `socket`, and that before `host` and `port`. @throws ConfigError when several are passed on */
export function placeOf(own: OwnPlace, environment: Environment, pid: number): ListenTarget {
  const { LISTEN_PID, LISTEN_FDS = "0" } = environment;
  // Variables of another process, which this one has inherited, are not for it.
  if (LISTEN_PID === String(pid) && LISTEN_FDS !== "0") {
    if (LISTEN_FDS !== "1")
      throw new ConfigError(`LISTEN_FDS: got ${printable(LISTEN_FDS)}; takes one socket of systemd's`);
    return { fd: FIRST_FD };
  }
  const { host, port, socket, socketMode } = own;
  return socket === undefined ? { host, port } : { path: socket, mode: Number.parseInt(socketMode, 8) };
}
