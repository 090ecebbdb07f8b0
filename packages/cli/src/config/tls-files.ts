/** The certificate and its key: read at start, and again on SIGHUP. */
import { createSecureContext } from "node:tls";
import type { TlsOptions } from "hawser";
import type { Given } from "./check-setting.js";
import { ConfigError, printable, type Source } from "./config-error.js";
import { readNamedFile } from "./named-file.js";

export interface TlsFiles {
  readonly cert: { readonly file: string; readonly source: Source };
  readonly key: { readonly file: string; readonly source: Source };
}

/** @throws ConfigError where there is one without the other */
export function tlsFiles(given: ReadonlyMap<string, Given>): TlsFiles | undefined {
  const cert = given.get("tlsCert");
  const key = given.get("tlsKey");
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined) throw new ConfigError("tlsKey is given without tlsCert: wss:// takes both");
  if (key === undefined) throw new ConfigError("tlsCert is given without tlsKey: wss:// takes both");
  return {
    cert: { file: cert.value as string, source: cert.source },
    key: { file: key.value as string, source: key.source },
  };
}

/** Reads both and sees that they belong together. @throws ConfigError */
export function readTls({ cert, key }: TlsFiles): TlsOptions {
  const tls = {
    cert: readNamedFile("tlsCert", cert.file, cert.source),
    key: readNamedFile("tlsKey", key.file, key.source),
  };
  try {
    createSecureContext(tls);
  } catch (error) {
    const files = `${printable(JSON.stringify(cert.file))} and ${printable(JSON.stringify(key.file))}`;
    throw new ConfigError(
      `tlsCert, tlsKey: ${files} are no certificate and key that belong together: ${printable((error as Error).message)}`,
    );
  }
  return tls;
}
