import type { CallInput, CallNames, CallOutput, ContractDefinition, Patterns } from "@hawser/wire";
import type { Bytes } from "./bytes.js";
import { systemClock } from "./clock.js";
import { type AnyLive, goLive, type World } from "./live.js";
import type { RequestOptions } from "./queue.js";
import type { WebSocketConstructor } from "./socket.js";
import type { LiveState } from "./state.js";
import type { TokenSource } from "./token.js";
import type { TopicParts } from "./topic.js";
import type { Gap } from "./topics.js";

export interface ConnectOptions<Contract extends ContractDefinition = ContractDefinition> {
  /**
   * Who this is, for the hub's `authenticate`. A function is asked for a new one before the last one ends, and when that was refused; `null`
   * is for nobody, and ends the connection. A refused token is never sent again.
   */
  readonly token?: TokenSource | undefined;
  /** Answers the calls of the server's (`hub.ask`), by name. */
  readonly asks?: AskHandlers<Contract> | undefined;
  /** The class to use. @default the global one, which Node has from 22 on; that of the package `ws` will do */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Told of what is thrown by the application's own functions. @default `reportError`, and in Node `console.error` */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The handlers of a contract's asks. */
export type AskHandlers<Contract extends ContractDefinition> = {
  readonly [Name in CallNames<Contract, "asks">]?: (
    input: CallInput<Contract, "asks", Name>,
    context: { readonly signal: AbortSignal },
  ) => CallOutput<Contract, "asks", Name> | Promise<CallOutput<Contract, "asks", Name>>;
};

/** A connection to a hub: one socket at a time, again and again. */
export interface BaseLive<Contract extends ContractDefinition> {
  /** Whether there is a connection. */
  readonly state: LiveState;
  /** Asks the server for something. Not sent a second time: `lost` and `timeout` may have happened. @throws LiveError */
  call<Name extends CallNames<Contract, "calls">>(
    name: Name,
    ...args: Arguments<CallInput<Contract, "calls", Name>>
  ): Promise<CallOutput<Contract, "calls", Name>>;
  /** Closes the connection for good. What has no answer yet is rejected with `closed`. */
  close(): void;
}

type Arguments<Input> = undefined extends Input
  ? [input?: Input, options?: RequestOptions]
  : [input: Input, options?: RequestOptions];

/** Handlers of a topic of a contract: where messages are kept, a subscriber has to say what it does when some were missed. */
export type HandlersOf<
  Contract extends ContractDefinition,
  Pattern extends Patterns<Contract>,
  SomeHandlers,
> = NonNullable<Contract["topics"]>[Pattern] extends { readonly history: object }
  ? SomeHandlers & { readonly gap: (gap: Gap) => void }
  : SomeHandlers;

/** `connect` with or without a contract, which is for the compiler alone. */
export function start<SomeTopic>(
  makeTopic: (name: string, parts: TopicParts) => SomeTopic,
  bytes: Bytes | undefined,
  args: readonly unknown[],
): AnyLive<SomeTopic> {
  const isUrl = typeof args[0] === "string" || args[0] instanceof URL;
  const [url, options = {}] = (isUrl ? args : args.slice(1)) as [string | URL, ConnectOptions?];
  // Node has no reportError, and Node 20 no WebSocket.
  // oxlint-disable-next-line eslint/no-console
  const report = globalThis.reportError ?? console.error;
  const { token, asks = {}, WebSocket = globalThis.WebSocket, onError = report } = options;
  if ((WebSocket as unknown) === undefined) throw new TypeError("no WebSocket here");
  const world: World = {
    clock: systemClock(),
    random: Math.random,
    WebSocket,
    page: globalThis,
    report: onError,
  };
  return goLive(makeTopic, bytes, socketUrl(url), token, asks as Parameters<typeof goLive>[4], world);
}

function socketUrl(url: string | URL): string {
  const parsed = new URL(url, globalThis.location?.href);
  parsed.protocol = parsed.protocol.replace("http", "ws");
  // A WebSocket refuses a URL that has a fragment.
  parsed.hash = "";
  return parsed.href;
}
