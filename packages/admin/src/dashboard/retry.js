/** Connects again, after a while: what the live feed and the page of `hawser serve` do when their connection is lost. */

const FIRST_WAIT_MS = 500;
/** An open connection counts as good, and the waiting begins anew, after so long. */
const GOOD_AFTER_MS = 5000;

/**
 * @param connect is called when the waiting is over
 * @param tell gets the seconds that are left, each second
 */
export function retrying(longestWaitMs, connect, tell) {
  let failures = 0;
  let timer = 0;
  let goodTimer = 0;
  return {
    opened() {
      goodTimer = setTimeout(() => (failures = 0), GOOD_AFTER_MS);
    },
    closed() {
      clearTimeout(goodTimer);
    },
    /** Waits longer each time, and each page a different while, so that not all come back at the same moment. */
    later() {
      const most = Math.min(longestWaitMs, FIRST_WAIT_MS * 2 ** Math.min(failures++, 10));
      const until = performance.now() + most / 2 + (Math.random() * most) / 2;
      const tick = () => {
        const left = until - performance.now();
        if (left <= 0) return connect();
        tell(Math.ceil(left / 1000));
        timer = setTimeout(tick, Math.min(left, 1000));
      };
      tick();
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
