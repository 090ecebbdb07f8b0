import type { History, Position } from "../brokers/broker.js";

/** A question to the broker. A topic has one at a time. */
export type Ask =
  | { readonly kind: "subscribe" }
  /** The newest messages, newest first. */
  | { readonly kind: "newest"; readonly limit: number }
  | { readonly kind: "after"; readonly position: Position; readonly limit: number }
  | { readonly kind: "renew"; readonly epoch: string };

export type BrokerAnswer =
  | { readonly kind: "subscribed" }
  | { readonly kind: "history"; readonly history: History }
  | { readonly kind: "renewed" }
  | { readonly kind: "failed" };
