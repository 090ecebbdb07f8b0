import type { ContractDefinition, TopicOf } from "@hawser/wire";
import { coversTopic } from "@hawser/wire/server";
import type { Action } from "./hub-context.js";
import type { HubOptions, HubUser } from "./hub-options.js";

/** A token that carries topics never allows more than these, whatever else is said. */
export function allows(
  { allow }: HubOptions<ContractDefinition, never>,
  action: Action,
  user: unknown,
  topic: TopicOf<ContractDefinition>,
): boolean | Promise<boolean> {
  const grants = (user as HubUser | undefined)?.topics;
  const permission = allow?.[action];
  if (grants === undefined) return permission?.(user as never, topic) ?? false;
  // Who may not read a topic is not told who does.
  const patterns = action === "publish" ? grants.publish : grants.subscribe;
  return coversTopic(patterns, topic.topic) && (permission?.(user as never, topic) ?? action !== "presence");
}
