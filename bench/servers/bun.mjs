// Bun's own server, with its native publish, as its documentation shows.

import { announce, options, readPath } from "./control.mjs";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    const data = readPath(new URL(request.url).pathname);
    return server.upgrade(request, { data }) ? undefined : new Response("upgrade, please", { status: 426 });
  },
  websocket: {
    perMessageDeflate: options.compression,
    open(ws) {
      if (ws.data.isMember) ws.subscribe(ws.data.room);
    },
    message(ws, message) {
      if (ws.data.room === null) ws.send(message);
      else server.publish(ws.data.room, message, options.compression);
    },
  },
});
announce(server.port);
