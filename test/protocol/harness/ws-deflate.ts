/** The parts of `ws` that it exports and @types/ws does not know yet: its codec and its reading of the header. */

import * as ws from "ws";

export interface WsOffer {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number;
}

export interface WsOptions {
  isServer: boolean;
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
}

type Done = (error: Error | null, result: Buffer) => void;

interface WsDeflateInstance {
  accept(offers: unknown[]): WsOffer;
  compress(data: Buffer, fin: boolean, done: Done): void;
  decompress(data: Buffer, fin: boolean, done: Done): void;
  cleanup(): void;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
const exported = ws as unknown as {
  extension: { parse(header: string): Record<string, unknown[]> };
  PerMessageDeflate: new (options: WsOptions) => WsDeflateInstance;
};

export const wsExtension = exported.extension;
export const WsDeflate = exported.PerMessageDeflate;

/** One end of a connection as ws has it, with the parameters of an answer. */
export class WsPeer {
  readonly #codec: WsDeflateInstance;

  constructor(isServer: boolean, header: string) {
    this.#codec = new WsDeflate({ isServer });
    this.#codec.accept(wsExtension.parse(header)["permessage-deflate"] ?? []);
  }

  compress(data: Buffer): Promise<Buffer> {
    return promise((done) => this.#codec.compress(data, true, done));
  }

  decompress(data: Buffer): Promise<Buffer> {
    return promise((done) => this.#codec.decompress(data, true, done));
  }

  close(): void {
    this.#codec.cleanup();
  }
}

function promise(start: (done: Done) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}
