import type { Client } from "hawser";

/** What an operator wants of a client that another process has. */
export type ClientOrder =
  | { readonly order: "close"; readonly id: string; readonly code: number; readonly reason: string }
  | { readonly order: "send"; readonly id: string; readonly text: string };

/** Does it, if it is one, and the client is here. */
export function obey(clients: ReadonlyMap<string, Pick<Client, "close" | "send">>, message: unknown): void {
  if (typeof message !== "object" || message === null || !("order" in message)) return;
  const order = message as ClientOrder;
  const client = clients.get(order.id);
  if (order.order === "close") client?.close(order.code, order.reason);
  else client?.send(order.text);
}
