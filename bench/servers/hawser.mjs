// Hawser as it is by default, every safety feature on. Only the log is off, as the peers have none.

import { createServer } from "../../packages/hawser/dist/index.js";
import { announce, options, readPath } from "./control.mjs";

/** What is sent back, and how: the message as it came, or decoded and encoded again, or by a handler that returns a promise. */
const replies = {
  relay(client, message) {
    client.send(message);
  },
  text(client, message) {
    client.send(message.text());
  },
  async async(client, message) {
    client.send(message);
  },
};
const reply = replies[options.handler ?? "relay"];

const server = createServer({
  logLevel: "silent",
  compression: options.compression,
  portableSockets: options.portable === true,
  ...(options.heartbeatMs === null ? {} : { pingPeriodMs: options.heartbeatMs, pongWaitMs: options.heartbeatMs * 2 }),
  open(client) {
    const { room, isMember } = readPath(client.path);
    client.data = room;
    if (isMember) client.subscribe(room);
  },
  message(client, message) {
    if (client.data === null) return reply(client, message);
    server.publish(client.data, message);
  },
});
announce((await server.listen(0)).port);
