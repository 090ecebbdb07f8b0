// Your own metrics beside Hawser's, in one answer to Prometheus: a counter and a gauge that handlers count.
// Run: node examples/run.mjs recipes/own-metrics      Try: curl localhost:9464 and npx wscat --connect ws://localhost:8080/orders

import { createServer as createHttpServer } from "node:http";
import { closeOnSignals, createServer } from "hawser";
import { createMetrics } from "@hawser/admin/metrics";

let orders = 0;
let watchers = 0;

const server = createServer({
  path: "/orders",
  open(client) {
    client.subscribe("orders");
    watchers++;
  },
  message(_client, message) {
    orders++;
    server.publish("orders", message);
  },
  close() {
    watchers--;
  },
});
await server.listen(Number(process.env["PORT"] ?? 8080));

const metrics = createMetrics(server);
const http = createHttpServer((_request, response) => {
  response.setHeader("Content-Type", metrics.contentType);
  void metrics.text().then((text) => response.end(text + ownMetrics()));
});
// For operators alone: on an address that clients cannot reach.
http.listen(Number(process.env["METRICS_PORT"] ?? 9464), "127.0.0.1");
closeOnSignals(server, http);

function ownMetrics(): string {
  return `# HELP shop_orders_total Orders that were placed.
# TYPE shop_orders_total counter
shop_orders_total ${orders}
# HELP shop_watchers Clients that follow the orders.
# TYPE shop_watchers gauge
shop_watchers ${watchers}
`;
}
