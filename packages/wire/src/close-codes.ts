/** The close codes of this protocol's own, by name. */
export const CloseCode = {
  expired: 4401,
  forbidden: 4403,
  helloTimeout: 4408,
  tooMany: 4429,
} as const;

/**
 * Whether this code will be the answer to every further attempt, when it ended three connections in a row: the user is not wanted, or
 * one of the two ends does not speak the protocol. After every other code a client connects again, however often.
 */
export function isFinal(code: number): boolean {
  return [1002, 1003, 1007, 1009, 4403].includes(code);
}
