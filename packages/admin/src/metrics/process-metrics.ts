import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { EventLoopDelay } from "./event-loop.js";
import type { KeptMetrics } from "./kept.js";

/** What the process as a whole uses: memory, processor and event loop. @returns ends what is measured all the time */
export function addProcessMetrics(kept: KeptMetrics): () => void {
  const delay = new EventLoopDelay(() => performance.now());
  kept.summary(
    "hawser_event_loop_delay_seconds",
    "How late the event loop comes to what is due, since the last scrape; quantile 1 is the worst.",
    () => delay.read(),
  );
  kept.counter(
    "hawser_event_loop_active_seconds_total",
    "Time in which the event loop had something to do; its rate is the share of a processor that is used up.",
    () => performance.eventLoopUtilization().active / 1000,
  );
  kept.counters("hawser_process_cpu_seconds_total", "Processor time of the process, all threads.", "mode", () => {
    const { user, system } = process.cpuUsage();
    return { user: user / 1e6, system: system / 1e6 };
  });
  kept.gauge("hawser_process_resident_memory_bytes", "Memory of the process that is in RAM.", () =>
    process.memoryUsage.rss(),
  );
  kept.gauge("hawser_process_heap_used_bytes", "JavaScript heap in use.", () => getHeapStatistics().used_heap_size);
  kept.gauge(
    "hawser_process_heap_limit_bytes",
    "What the JavaScript heap may grow to before the process ends (--max-old-space-size).",
    () => getHeapStatistics().heap_size_limit,
  );
  kept.gauge(
    "hawser_process_external_memory_bytes",
    "Memory of buffers and other objects outside of the JavaScript heap.",
    () => process.memoryUsage().external,
  );
  kept.gauge("hawser_process_start_time_seconds", "When the process was started, in seconds since 1970.", () =>
    Number((performance.timeOrigin / 1000).toFixed(3)),
  );
  return () => delay.stop();
}
