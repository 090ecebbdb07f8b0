// graphql-ws: a query, a subscription that completes, one that the client ends, pings, and a client that may not come in.

import assert from "node:assert/strict";
import { once } from "node:events";
import { GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { CloseCode, createClient } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { WebSocket } from "ws-itself";

let hasReturned = false;
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: "Query", fields: { hello: { type: GraphQLString, resolve: () => "world" } } }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: {
      count: {
        type: GraphQLInt,
        args: { to: { type: GraphQLInt } },
        async *subscribe(_, { to }) {
          try {
            for (let count = 1; count <= to; count++) {
              yield { count };
              await new Promise(setImmediate);
            }
          } finally {
            hasReturned = true;
          }
        },
      },
    },
  }),
});

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/graphql" });
await once(server, "listening");
// Whose pong takes longer than this is cut, and begins anew: on a busy machine a short one is too short.
const KEEP_ALIVE_MS = 2_000;
const serving = useServer(
  { schema, onConnect: ({ connectionParams }) => connectionParams?.token === "abc" },
  server,
  KEEP_ALIVE_MS,
);
const url = `ws://127.0.0.1:${server.address().port}/graphql`;

const pings = [];
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { token: "abc" },
  keepAlive: 20,
  lazy: false,
  on: { pong: (received) => pings.push(received) },
});
const values = async (query, most = Infinity) => {
  const seen = [];
  for await (const { data } of client.iterate({ query })) if (seen.push(data) >= most) break;
  return seen;
};
assert.equal(JSON.stringify(await values("{ hello }")), '[{"hello":"world"}]');
assert.equal((await values("subscription { count(to: 100) }")).length, 100);
hasReturned = false;
assert.equal((await values("subscription { count(to: 1000000000) }", 3)).length, 3);
while (!hasReturned || !pings.includes(true)) await new Promise(setImmediate);
await client.dispose();

const stranger = createClient({ url, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0, onNonLazyError() {} });
const [event] = await new Promise((resolve) => stranger.on("closed", (...args) => resolve(args)));
assert.deepEqual([event.code, event.reason], [CloseCode.Forbidden, "Forbidden"]);

// It is pinged by the server as well, beneath GraphQL.
const quiet = new WebSocket(url, "graphql-transport-ws");
await once(quiet, "ping");
quiet.terminate();

// One that speaks another subprotocol.
const other = new WebSocket(url, "other");
assert.equal((await once(other, "error"))[0].message, "Server sent no subprotocol");
await serving.dispose();
