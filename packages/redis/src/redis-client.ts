/** What is used of a client of `@redis/client`, which the package `redis` has too. */
export interface RedisClient {
  /** What it was made with. */
  readonly options: unknown;
  /** Another client with the same options, but for these. */
  duplicate(overrides: object): RedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: string, listener: (error: unknown) => void): unknown;
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  subscribe: ChannelCommand;
  unsubscribe: ChannelCommand;
  sSubscribe: ChannelCommand;
  sUnsubscribe: ChannelCommand;
}

type ChannelCommand = (
  channels: string[],
  listener: (message: Buffer, channel: Buffer) => void,
  bufferMode: true,
) => Promise<void>;
