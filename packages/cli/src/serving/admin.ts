/** The admin listener, as the command runs it. */
import { type AdminListening, createAdmin, Gathered, type LogTail } from "@hawser/admin";
import type { Server } from "hawser";
import type { Hub } from "hawser/hub";
import type { OwnValues } from "../config/configure.js";
import type { Log } from "../log/log.js";
import type { Guest } from "./rooms.js";
import { listenErrorText } from "./listen-error.js";
import { localUrl, pageUrl } from "./welcome.js";

export interface CommandAdmin {
  /** @throws Error whose message is one line */
  listen(): Promise<void>;
  /** Where the server listens, which the dashboard tells whoever finds it without clients. */
  clientsComeTo(url: string, path: string | undefined): void;
  /** The line for people: where the dashboard is, with the token unless they chose it. */
  welcome(): string;
  close(): Promise<void>;
}

/** Null: none is wanted. */
export function makeAdmin(
  server: Server<Guest> | Gathered,
  hub: Hub | undefined,
  own: OwnValues,
  log: Log,
  logTail: LogTail,
): CommandAdmin | null {
  const { adminPort, adminHost, adminToken, adminAllowedHosts, readyWithoutEngine, engineGraceMs } = own;
  if (adminPort === undefined) return null;
  let tryUrl: string | undefined;
  let listening: AdminListening | undefined;
  const options = {
    ...(adminToken === undefined ? {} : { token: adminToken }),
    allowedHosts: adminAllowedHosts,
    logger: log.logger,
    logTail,
    hub,
    readyWithoutEngine,
    engineGraceMs,
    tryUrl: () => tryUrl,
  };
  const admin = server instanceof Gathered ? createAdmin(server, options) : createAdmin(server, options);
  return {
    async listen() {
      try {
        listening = await admin.listen(adminPort, adminHost);
      } catch (error) {
        throw new Error(listenErrorText(error, { host: adminHost, port: adminPort }), { cause: error });
      }
    },
    clientsComeTo(url, path) {
      if (own.page) tryUrl = pageUrl(url, path) ?? undefined;
    },
    welcome() {
      const url = `http://${localUrl(listening?.url ?? "").host}/`;
      return `The dashboard is on ${adminToken === undefined ? `${url}#token=${admin.token}` : url}`;
    },
    close: () => admin.close(),
  };
}
