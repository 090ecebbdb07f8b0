import { isIPv6 } from "node:net";
import { UNIX } from "./handshake/address.js";

/** Every client that is connected, and the places that handshakes under way have reserved. */
export class Registry<Client extends { readonly id: string; readonly address: string }> {
  readonly #clients = new Map<string, Client>();
  readonly #byAddress = new Map<string, number>();
  readonly #maxClients: number;
  readonly #maxPerAddress: number;
  #reserved = 0;

  /** @param maxPerAddress 0: no limit */
  constructor(maxClients: number, maxPerAddress: number) {
    this.#maxClients = maxClients;
    this.#maxPerAddress = maxPerAddress;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** By id. */
  get clients(): ReadonlyMap<string, Client> {
    return this.#clients;
  }

  /** Takes a place for a handshake that begins, or says which limit is reached. `add` or `cancel` has to follow. */
  reserve(address: string): "reserved" | "client-limit" | "address-limit" {
    if (this.#clients.size + this.#reserved >= this.#maxClients) return "client-limit";
    if (this.#isLimited(address)) {
      const block = blockOf(address);
      const there = this.#byAddress.get(block) ?? 0;
      if (there >= this.#maxPerAddress) return "address-limit";
      this.#byAddress.set(block, there + 1);
    }
    this.#reserved++;
    return "reserved";
  }

  cancel(address: string): void {
    this.#reserved--;
    this.#leave(address);
  }

  /** The handshake has become a client. */
  add(client: Client): void {
    this.#reserved--;
    this.#clients.set(client.id, client);
  }

  remove(client: Client): void {
    if (this.#clients.delete(client.id)) this.#leave(client.address);
  }

  #leave(address: string): void {
    if (!this.#isLimited(address)) return;
    const block = blockOf(address);
    const there = (this.#byAddress.get(block) ?? 1) - 1;
    if (there === 0) this.#byAddress.delete(block);
    else this.#byAddress.set(block, there);
  }

  /** All who connect to a Unix socket would count as one, though they are many: of them nothing is known. */
  #isLimited(address: string): boolean {
    return this.#maxPerAddress > 0 && address !== UNIX;
  }
}

/** What counts as one address: an IPv4 address, or the /64 that a provider gives to one IPv6 customer (RFC 6177). */
export function blockOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("%", 1)[0]!.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // One that ends as an IPv4 address has two groups in that.
  const all = address.includes(".") ? 7 : 8;
  const zeros = tail === undefined ? 0 : all - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
