/** Extra request headers, as people give them: `Name: value`. */

import { isToken } from "hawser/protocol";

export type Header = readonly [name: string, value: string];

/** These are the handshake itself. */
const OURS = /^(upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/i;

/** Null: it is no header, or one that the handshake makes. */
export function parseHeader(text: string): Header | null {
  const colon = text.indexOf(":");
  const [name, value] = [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  if (colon < 1 || !isToken(name) || OURS.test(name) || /[^\t\P{Cc}]/u.test(value)) return null;
  return [name, value];
}

export const HEADER_FORM =
  '"Name: value", and none that is part of the handshake, such as Upgrade or Sec-WebSocket-Key';

export function isSubprotocol(text: string): boolean {
  return isToken(text);
}
