import type { Hub } from "hawser/hub";
import type { KeptMetrics } from "./kept.js";

/** What the metrics need of a hub. */
export type CountedHub = Pick<Hub, "stats">;

/** What a hub counts. A label has its values from catalogues of ours: never a topic, a user or a word of the application's. */
export function addHubMetrics(kept: KeptMetrics, counted: CountedHub): void {
  const hub = onceATurn(() => counted.stats);
  addEngine(kept, hub);
  addTopics(kept, hub);
  addRecovery(kept, hub);
  addRequests(kept, hub);
}

type Read = () => Hub["stats"];

/** All metrics of a scrape are of one moment, and the stats are made once for them. */
function onceATurn(read: Read): Read {
  let kept: Hub["stats"] | null = null;
  return () => {
    if (kept === null) {
      kept = read();
      queueMicrotask(() => (kept = null));
    }
    return kept;
  };
}

function addEngine(kept: KeptMetrics, hub: Read): void {
  kept.gauge("hawser_hub_engine_up", "1 while the hub's engine can be reached.", () =>
    hub().engine.state === "up" ? 1 : 0,
  );
  kept.counter("hawser_hub_engine_lost_total", "Times that the engine was lost.", () => hub().engine.lost);
  kept.counter(
    "hawser_hub_engine_away_seconds_total",
    "Time in which the engine could not be reached.",
    () => hub().engine.awayMs / 1000,
  );
  kept.counter("hawser_hub_publishes_total", "Messages that this node has published.", () => hub().published);
  kept.counters(
    "hawser_hub_publish_failures_total",
    "Publishes that the engine did not take, or whose answer did not come, by reason.",
    "reason",
    () => hub().publishFailures,
  );
  kept.histogram(
    "hawser_hub_publish_duration_seconds",
    "How long the engine took to answer publishes that it took. In a flood, some of them only.",
    () => hub().publishTimes,
  );
  kept.histogram(
    "hawser_hub_delivery_lag_seconds",
    "From a publish of this node's until the message was back for its own subscribers, of one at a time.",
    () => hub().deliveryLags,
  );
  kept.counter(
    "hawser_hub_engine_reads_total",
    "Questions to the engine about a topic, reads most of all.",
    () => hub().asked,
  );
  kept.counter(
    "hawser_hub_foreign_total",
    "Things in the engine under names of ours that no node wrote, and that were passed over.",
    () => hub().foreign,
  );
  kept.counter(
    "hawser_hub_control_refused_total",
    "Control messages of the engine that were not obeyed: foreign ones, and those without the right signature.",
    () => hub().controlRefused,
  );
}

function addTopics(kept: KeptMetrics, hub: Read): void {
  kept.gauge("hawser_hub_sessions", "Clients of hawser.v1.", () => hub().sessions);
  kept.gauges(
    "hawser_hub_topics",
    "Topics on this node, by what they are doing about their position: live is well.",
    "phase",
    () => hub().phases,
  );
  kept.gauge("hawser_hub_suspect_topics", "Topics whose position is in doubt or being repaired.", () => hub().suspects);
  kept.gauge("hawser_hub_members", "Members of topics, by this node alone.", () => hub().members);
  kept.gauge(
    "hawser_hub_history_bytes",
    "Memory taken by messages that are kept for clients that come back.",
    () => hub().historyBytes,
  );
  kept.gauge(
    "hawser_hub_history_limit_bytes",
    "How much memory that may be (limits.historyBytes).",
    () => hub().historyLimitBytes,
  );
  kept.counter(
    "hawser_hub_messages_total",
    "Messages that came from the engine, from whichever node.",
    () => hub().messages,
  );
  kept.counter(
    "hawser_hub_deliveries_total",
    "Messages that clients were handed, one for each client, replays included.",
    () => hub().deliveries,
  );
}

function addRecovery(kept: KeptMetrics, hub: Read): void {
  kept.counter(
    "hawser_hub_resumes_total",
    "Clients that came back to a topic and got what they had missed.",
    () => hub().resumed,
  );
  kept.counter("hawser_hub_replayed_messages_total", "Messages that were replayed.", () => hub().replayed);
  kept.counter(
    "hawser_hub_missed_total",
    "Clients that came back to a topic and could not be given what they had missed.",
    () => hub().missed,
  );
  kept.counter(
    "hawser_hub_repaired_messages_total",
    "Messages that did not come live and were read from the engine instead.",
    () => hub().repaired,
  );
  kept.counters(
    "hawser_hub_gaps_total",
    "Gaps told, by reason: once for all clients of a topic, and slow for each client.",
    "reason",
    () => hub().gaps,
  );
}

function addRequests(kept: KeptMetrics, hub: Read): void {
  kept.gauge("hawser_hub_calls_pending", "Calls of clients whose handlers run.", () => hub().callsPending);
  kept.counters(
    "hawser_hub_calls_total",
    "Calls of clients that have ended, by outcome.",
    "outcome",
    () => hub().callOutcomes,
  );
  kept.gauge(
    "hawser_hub_asks_pending",
    "Calls of the server's that clients have not answered.",
    () => hub().asksPending,
  );
  kept.counters(
    "hawser_hub_asks_total",
    "Calls of the server's that have ended, by outcome.",
    "outcome",
    () => hub().askOutcomes,
  );
  kept.counters(
    "hawser_hub_requests_refused_total",
    "Requests of clients that were refused, by the word of the answer; other: the application's own.",
    "code",
    () => hub().refused,
  );
  kept.counters("hawser_hub_tokens_total", "Tokens that were checked, by outcome.", "outcome", () => hub().tokens);
  kept.counters(
    "hawser_hub_byes_total",
    "Connections that the hub has ended, or asked to come back later, by reason.",
    "reason",
    () => hub().byes,
  );
}
