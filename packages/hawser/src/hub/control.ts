/** Whom a revocation is about: all that is given has to hold. */
export interface Revocation {
  readonly user?: string | undefined;
  /** The id of a client. */
  readonly client?: string | undefined;
  readonly topic?: string | undefined;
}

/** What nodes tell each other, this one included. */
export type ControlMessage =
  | { readonly revoke: Revocation; readonly node: string }
  /** In these topics members have come or gone on this node. */
  | { readonly presence: readonly string[]; readonly node: string };

export function writeControl(message: ControlMessage): string {
  return JSON.stringify(message);
}

/** @returns undefined for what is none: a node of another version may say more than is known here */
export function readControl(text: string): ControlMessage | undefined {
  let message: Partial<Record<string, unknown>>;
  try {
    message = (JSON.parse(text) ?? {}) as Partial<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const { revoke, presence, node } = message;
  // Nodes before 0.2 did not say which they are when they revoke.
  if (isRevocation(revoke)) return { revoke, node: isText(node) ? node : "" };
  if (Array.isArray(presence) && presence.every(isText) && isText(node)) return { presence, node };
  return undefined;
}

function isRevocation(value: unknown): value is Revocation {
  if (typeof value !== "object" || value === null) return false;
  const { user, client, topic } = value as Record<string, unknown>;
  const given = [user, client, topic].filter((part) => part !== undefined);
  return given.length > 0 && given.every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
