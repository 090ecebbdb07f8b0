import { clientAddress, proxyList, type Proxies } from "./address.js";
import { headerOf, peerAddressOf, type RequestHead } from "./request.js";

/** Whom requests come from: whoever connected, or whom a proxy of ours speaks for. */
export class ClientAddresses {
  readonly #proxies: Proxies;
  readonly #trustsAny: boolean;

  constructor(trustProxy: readonly string[]) {
    this.#proxies = proxyList(trustProxy);
    this.#trustsAny = trustProxy.length > 0;
  }

  of(head: RequestHead): string {
    return clientAddress(peerAddressOf(head), this.#forwardedFor(head), this.#proxies);
  }

  /** Whether a proxy of ours has sent it: no page can have a browser write that header on a handshake. */
  isForwarded(head: RequestHead): boolean {
    return this.#forwardedFor(head) !== undefined && this.#proxies.trusts(peerAddressOf(head));
  }

  #forwardedFor(head: RequestHead): string | undefined {
    // Not by `headers`: node:http makes that object when it is first asked for, and a handshake can do without.
    return this.#trustsAny ? headerOf(head, "x-forwarded-for") : undefined;
  }
}
