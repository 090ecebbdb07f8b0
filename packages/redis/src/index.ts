/** A broker for a Hawser hub on Redis or Valkey. */
export { redisBroker, type RedisBroker, type RedisBrokerStats } from "./broker.js";
export type { RedisAddress } from "./address.js";
export type { RedisBrokerOptions } from "./options.js";
export type { RedisClient } from "./redis-client.js";
