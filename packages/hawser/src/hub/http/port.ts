/** What the HTTP API needs of a hub. */
import type { JsonText, Payload } from "@hawser/wire/server";
import type { HubError } from "../hub-error.js";

export interface HubPort {
  publish(topic: string, payload: Payload, options: PublishOptions): Promise<Published>;
  /** @returns what became of each, in the order of `topics` */
  broadcast(
    topics: readonly string[],
    payload: Payload,
    options: PublishOptions,
  ): Promise<readonly (Published | HubError)[]>;
  history(topic: string, options: HistoryOptions): Promise<HistoryPage>;
  members(topic: string, options: { readonly max: number; readonly timeoutMs: number }): Promise<MemberList>;
  count(topic: string, options: { readonly timeoutMs: number }): Promise<number>;
  /** Without a topic the connections themselves are closed, with 4403; with one its subscription ends. On all nodes. */
  revoke(whom: Revocation, options: { readonly timeoutMs: number }): Promise<void>;
}

export interface PublishOptions {
  /** A publish with a key that the topic knows already does nothing, and has the same answer. */
  readonly key: string | undefined;
  /** The promise is settled within. */
  readonly timeoutMs: number;
}

export interface Published {
  /** 0 in a topic without history. */
  readonly offset: number;
  /** "" in a topic without history. */
  readonly epoch: string;
  readonly duplicate: boolean;
}

/** Neither `before` nor `after`: the newest messages. */
export interface HistoryOptions {
  readonly max: number;
  /** The page before this offset. */
  readonly before: number | undefined;
  /** What came after this offset. */
  readonly after: number | undefined;
  /** That of the offset. */
  readonly epoch: string | undefined;
  readonly timeoutMs: number;
}

export interface HistoryPage {
  /** The newest position of the topic. */
  readonly offset: number;
  readonly epoch: string;
  /** From old to new. */
  readonly messages: readonly HistoryMessage[];
  /** There is more: after them, where `after` was given, else before them. */
  readonly more: boolean;
  /** What was asked for is no longer there, and there are no messages. */
  readonly missed: boolean;
}

export interface HistoryMessage {
  readonly offset: number;
  readonly by: string | undefined;
  readonly payload: { readonly json: JsonText } | { readonly bytes: Uint8Array };
}

export interface MemberList {
  /** Of all, also those that are not in the list. */
  readonly count: number;
  readonly members: readonly { readonly user: string; readonly info: JsonText | undefined }[];
}

export interface Revocation {
  readonly user: string | undefined;
  /** The id of one connection. */
  readonly client: string | undefined;
  readonly topic: string | undefined;
}
