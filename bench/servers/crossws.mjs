// crossws on Node, as its guide shows: the adapter on a node:http server. (On Bun it is Bun's own server.) It relays text as text.

import { createServer } from "node:http";
import crossws from "crossws/adapters/node";
import { announce, options, readPath } from "./control.mjs";

const ws = crossws({
  ...(options.compression ? { serverOptions: { perMessageDeflate: { threshold: 1024 } } } : {}),
  hooks: {
    open(peer) {
      const { room, isMember } = readPath(new URL(peer.request.url).pathname);
      peer.context.room = room;
      if (isMember) peer.subscribe(room);
    },
    message(peer, message) {
      const { room } = peer.context;
      if (room === null) peer.send(message.text());
      else ws.publish(room, message.text());
    },
  },
});
const http = createServer();
http.on("upgrade", (request, socket, head) => void ws.handleUpgrade(request, socket, head));
http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => announce(http.address().port));
