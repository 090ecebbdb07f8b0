/** The ten practices, by number, and where the documents say more about each. */

export const practices = {
  1: { name: "client identification", link: "docs/options.md#identity" },
  2: { name: "connection timeouts", link: "docs/options.md#deadlines-and-heartbeat" },
  3: { name: "ping/pong heartbeat", link: "docs/options.md#deadlines-and-heartbeat" },
  4: { name: "message size limit", link: "docs/options.md#sizes-and-backlog" },
  5: { name: "graceful shutdown", link: "docs/options.md#shutdown" },
  6: { name: "consistent logging", link: "docs/log-events.md" },
  7: { name: "error handling", link: "docs/causes-and-close-codes.md" },
  8: { name: "no contention on the hot path", link: "docs/options.md#fairness" },
  9: { name: "HTTP timeouts", link: "docs/options.md#http" },
  10: { name: "upgrade configuration", link: "docs/options.md#upgrade" },
} as const;

export type PracticeNumber = keyof typeof practices;
