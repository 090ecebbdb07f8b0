// A program for `ws` as its README has it: perMessageDeflate off; where it is asked for, with the README's settings. Its broadcast and its
// heartbeat are the README's too ("Server broadcast", "How to detect and close broken connections").

import { announce, options, readPath } from "./control.mjs";

const perMessageDeflate = options.compression && {
  zlibDeflateOptions: { chunkSize: 1024, memLevel: 7, level: 3 },
  zlibInflateOptions: { chunkSize: 10 * 1024 },
  clientNoContextTakeover: true,
  serverNoContextTakeover: true,
  serverMaxWindowBits: 10,
  concurrencyLimit: 10,
  threshold: 1024,
};
/** @param {typeof import("ws")} ws `ws`, or what takes its place */
export function serve({ WebSocket, WebSocketServer }) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", backlog: 4096, perMessageDeflate });
  const rooms = new Map();

  server.on("connection", (client, request) => {
    const { room, isMember } = readPath(request.url);
    if (isMember) {
      if (!rooms.has(room)) rooms.set(room, new Set());
      rooms.get(room).add(client);
      client.on("close", () => rooms.get(room).delete(client));
    }
    client.on("error", () => client.terminate());
    client.on("message", (data, binary) => {
      if (room === null) client.send(data, { binary });
      else
        for (const member of rooms.get(room)) if (member.readyState === WebSocket.OPEN) member.send(data, { binary });
    });
    if (options.heartbeatMs === null) return;
    client.isAlive = true;
    client.on("pong", heartbeat);
  });
  if (options.heartbeatMs !== null) setInterval(() => pingAll(server), options.heartbeatMs);
  server.on("listening", () => announce(server.address().port));
}

function heartbeat() {
  this.isAlive = true;
}

/** @param {import("ws").WebSocketServer} server */
function pingAll(server) {
  for (const client of server.clients) {
    if (client.isAlive === false) client.terminate();
    else {
      client.isAlive = false;
      client.ping();
    }
  }
}
