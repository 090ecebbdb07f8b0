import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { NotVerified } from "./refusals.js";
import type { ServerOptions, VerifyClientCallbackAsync, VerifyClientCallbackSync } from "./server-options.js";

const VERIFIED = {};

/** Whether `verifyClient` lets a client in: at once, or when its callback is called. @throws NotVerified, and rejects with it */
export function verifyClient(
  verify: NonNullable<ServerOptions["verifyClient"]>,
  request: IncomingMessage,
): object | Promise<object> {
  const { authorized, encrypted } = request.socket as Partial<TLSSocket>;
  const info = {
    origin: request.headers.origin as string,
    secure: authorized === true || encrypted === true,
    req: request,
  };
  if (verify.length !== 2) {
    if ((verify as VerifyClientCallbackSync)(info)) return VERIFIED;
    throw new NotVerified(401, undefined);
  }
  let decided: true | NotVerified | undefined;
  let settle = (): void => {};
  (verify as VerifyClientCallbackAsync)(info, (isVerified, status, message, headers) => {
    decided ??= isVerified ? true : new NotVerified(status ?? 401, message, headers);
    settle();
  });
  const answer = (): object => {
    if (decided === true) return VERIFIED;
    throw decided!;
  };
  // Most often it is called at once.
  return decided === undefined ? new Promise<void>((resolve) => (settle = resolve)).then(answer) : answer();
}
