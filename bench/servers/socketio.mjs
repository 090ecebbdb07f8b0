// Socket.IO as its page "Performance tuning" recommends: WebSocket alone, bufferutil installed, the first request not retained.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { announce, options, readPath } from "./control.mjs";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  perMessageDeflate: options.compression && { threshold: 1024 },
  ...(options.heartbeatMs === null ? {} : { pingInterval: options.heartbeatMs, pingTimeout: options.heartbeatMs * 2 }),
});
io.on("connection", (socket) => {
  const { room, isMember } = readPath(socket.handshake.query.at);
  // The page does so on the engine's "connection", where what the client asked for would be lost.
  socket.conn.request = null;
  if (isMember) void socket.join(room);
  socket.on("m", (data) => {
    if (room === null) socket.emit("m", data);
    else io.to(room).emit("m", data);
  });
});
http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => announce(http.address().port));
