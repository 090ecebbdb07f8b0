/** The choice of a subprotocol, RFC 6455 1.9 and 4.2.2. */

/** The subprotocols a server speaks, best first; or a function that chooses from what the client offers, null for none. */
export type SubprotocolChoice = readonly string[] | ((offered: readonly string[]) => string | null);

/**
 * Which subprotocol the connection speaks: the first of the server's that the client offers too. Null: none, and the
 * response has no Sec-WebSocket-Protocol. A client that cannot do without one ends the connection then, RFC 6455 4.1.
 *
 * @throws {TypeError} When a function chose something that was not offered: the client would refuse it. What the function
 *   itself throws passes through.
 */
export function chooseSubprotocol(offered: readonly string[], choice: SubprotocolChoice): string | null {
  if (typeof choice !== "function") return choice.find((name) => offered.includes(name)) ?? null;
  const chosen = choice(offered);
  // RFC 6455 4.2.2 step 5: "The value chosen MUST be derived from the client's handshake".
  if (chosen !== null && !offered.includes(chosen)) {
    throw new TypeError(`the chosen subprotocol ${JSON.stringify(chosen)} is not one that the client offered`);
  }
  return chosen;
}
