/** Changes with any frame: worker and supervisor are of one version, or do not talk at all. */
export const CHANNEL_VERSION = 1;

/** What a frame is. */
export const kinds = {
  // From a worker: each is answered, but for `unsubscribe`.
  hello: 1,
  ping: 2,
  subscribe: 3,
  unsubscribe: 4,
  publish: 5,
  read: 6,
  heads: 7,
  renew: 8,
  tell: 9,
  lease: 10,
  put: 11,
  remove: 12,
  list: 13,
  members: 14,
  // From the supervisor.
  done: 32,
  failed: 33,
  message: 34,
  told: 35,
} as const;
