/**
 * A worker's part of a limit of all of them. What cannot be divided goes to the first ones; all parts together are the limit, unless that
 * is less than there are workers: then each has 1. 0, which turns most limits off, stays 0.
 * @param id from 1 to `count`
 */
export function shareOf(limit: number, id: number, count: number): number {
  if (limit === 0) return 0;
  return Math.max(1, Math.floor(limit / count) + (id <= limit % count ? 1 : 0));
}
