/** Why the server cannot listen, in one line. */
import type { ListenTarget } from "hawser";
import { printable } from "../config/config-error.js";

export function listenErrorText(error: unknown, place: ListenTarget): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const reason = "path" in place ? (socketReasons[code] ?? reasons[code]) : reasons[code];
  return printable(`cannot listen on ${placeText(place)}: ${reason === undefined ? message : `${reason} (${code})`}`);
}

function placeText(place: ListenTarget): string {
  if ("fd" in place) return `the socket that systemd passes on (descriptor ${place.fd})`;
  if ("path" in place) return place.path;
  const { host = "", port } = place;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

const reasons: Record<string, string> = {
  EADDRINUSE: "the port is in use",
  EACCES: "no permission; ports below 1024 may need a privilege",
  EPERM: "no permission",
  EADDRNOTAVAIL: "this machine does not have the address",
  EAFNOSUPPORT: "this machine does not have addresses of that kind",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up now",
};

const socketReasons: Record<string, string> = {
  EADDRINUSE: "a server answers there, or it is a file of another kind",
  // What Node makes of a folder that does not exist, too.
  EACCES: "no permission, or no such folder",
};
