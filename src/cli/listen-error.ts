/** Why the server cannot listen, in one line. */
import { plain } from "./config-error.js";

export function listenErrorText(error: unknown, host: string, port: number): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const at = host.includes(":") ? `[${host}]` : host;
  const reason = reasons[code];
  return plain(`cannot listen on ${at}:${port}: ${reason === undefined ? message : `${reason} (${code})`}`);
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
