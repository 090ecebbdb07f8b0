import { type Cause, causes, type RefusalReason, refusals, type Server } from "hawser";
import { handshakeFaults } from "hawser/protocol";
import type { KeptMetrics } from "./kept.js";

const CAUSES = Object.keys(causes) as readonly Cause[];
const REASONS = [...Object.keys(handshakeFaults), ...Object.keys(refusals)] as readonly RefusalReason[];

/** What a server counts. A label has its values from a catalogue of ours, and never from what a client has sent. */
export function addServerMetrics<Data>(kept: KeptMetrics, server: Server<Data>): void {
  const { stats } = server;
  addConnections(kept, server);
  addTraffic(kept, server);

  kept.histograms(
    "hawser_handler_duration_seconds",
    "How long handlers take, until their promises are settled. In a flood, the handlers of some messages only.",
    "handler",
    () => stats.handlerTimes,
  );
  kept.gauge("hawser_handlers_pending", "Handlers whose promises are not settled.", () => server.pendingHandlers);
  kept.counters(
    "hawser_handler_errors_total",
    "Handlers that threw, or whose promises were rejected.",
    "handler",
    () => stats.handlerErrors,
  );
  kept.counter("hawser_pings_sent_total", "Pings that the heartbeat sent.", () => stats.pings);
  kept.histogram(
    "hawser_heartbeat_round_trip_seconds",
    "How long the answers to the heartbeat's pings took.",
    () => stats.roundTrips,
  );
}

function addConnections<Data>(kept: KeptMetrics, server: Server<Data>): void {
  const { stats } = server;
  kept.gauge("hawser_ready", "1 while new clients are taken, 0 before that and during a shutdown.", () =>
    server.isReady ? 1 : 0,
  );
  kept.gauge("hawser_connections", "Clients that are connected.", () => server.clients.size);
  kept.gauge("hawser_connections_limit", "How many clients are taken (maxClients).", () => server.limits.maxClients);
  kept.gauge(
    "hawser_http2_connections",
    "HTTP/2 connections to the port of listen, however many clients each has.",
    () => server.http2.connections,
  );
  kept.gauge(
    "hawser_http2_clients",
    "Clients over HTTP/2, those whose handshakes are under way among them.",
    () => server.http2.clients,
  );
  kept.counter("hawser_connections_opened_total", "Handshakes that became clients.", () => stats.opened);
  kept.counters("hawser_connections_closed_total", "Clients that are gone, by cause.", "cause", () =>
    complete(CAUSES, stats.closed),
  );
  kept.gauge("hawser_handshakes_pending", "Handshakes that wait for authenticate.", () => server.pendingHandshakes);
  kept.counters("hawser_handshakes_refused_total", "Handshakes that were refused, by reason.", "reason", () =>
    complete(REASONS, stats.refused),
  );
  kept.counter(
    "hawser_handshakes_aborted_total",
    "Handshakes whose client went away before they were decided.",
    () => stats.aborted,
  );
  kept.counter(
    "hawser_http_errors_total",
    "Connections that sent no HTTP, too much of it, or too slowly.",
    () => stats.httpErrors,
  );
}

function addTraffic<Data>(kept: KeptMetrics, server: Server<Data>): void {
  const { stats } = server;
  kept.counter("hawser_messages_received_total", "Messages from clients.", () => stats.messagesIn);
  kept.counter("hawser_messages_sent_total", "Messages to clients, sent or queued.", () => stats.messagesOut);
  kept.counter(
    "hawser_messages_received_bytes_total",
    "Payload bytes of messages from clients, after decompression.",
    () => stats.bytesIn,
  );
  kept.counter(
    "hawser_messages_sent_bytes_total",
    "Payload bytes of messages to clients, before compression.",
    () => stats.bytesOut,
  );
  kept.counter(
    "hawser_messages_dropped_total",
    "Messages that were not sent because a client was too slow.",
    () => stats.dropped,
  );
  kept.counter("hawser_publishes_total", "Messages that were published to a topic.", () => stats.published);
  kept.counter(
    "hawser_publish_deliveries_total",
    "Messages to clients that come from publishes: divided by those, the fan-out.",
    () => stats.deliveries,
  );
  kept.gauge("hawser_topics", "Topics that somebody is subscribed to.", () => server.topicCount);
  kept.gauge("hawser_backlog_bytes", "Memory taken by what waits for slow clients.", () => server.backlogBytes);
  kept.gauge(
    "hawser_backlog_limit_bytes",
    "How much memory that may be (maxTotalBacklogBytes).",
    () => server.limits.maxTotalBacklogBytes,
  );
  kept.gauge(
    "hawser_incoming_bytes",
    "Memory taken by messages that have come in part or wait for handlers.",
    () => server.incomingBytes,
  );
  kept.gauge(
    "hawser_incoming_limit_bytes",
    "How much memory that may be (maxTotalIncomingBytes).",
    () => server.limits.maxTotalIncomingBytes,
  );
  kept.counter(
    "hawser_backlog_yields_total",
    "Times that whoever held most of the backlog had to make room for others.",
    () => stats.gaveWay,
  );
}

function complete<Name extends string>(
  names: readonly Name[],
  totals: Readonly<Partial<Record<Name, number>>>,
): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, totals[name] ?? 0]));
}
