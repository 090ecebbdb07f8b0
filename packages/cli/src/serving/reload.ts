/** SIGHUP: the certificate and its key are read again, and connections from then on get them. */
import type { TlsOptions } from "hawser";
import { readTls, type TlsFiles } from "../config/tls-files.js";

export interface ReloadLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A mistake in the new files leaves the old certificate in use: a reload must never take a server down. */
export function reloadTls(
  server: { setTls(tls: TlsOptions): void },
  files: TlsFiles | undefined,
  log: ReloadLog,
): void {
  if (files === undefined) {
    log.info({ event: "reload-ignored" }, "SIGHUP: there is no certificate to read again");
    return;
  }
  try {
    server.setTls(readTls(files));
  } catch (error) {
    log.error({ event: "tls-reload-failed", reason: (error as Error).message }, "the certificate in use stays");
  }
}
