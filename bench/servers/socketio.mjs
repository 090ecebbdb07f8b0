// Socket.IO as its page "Performance tuning" recommends: WebSocket alone, bufferutil installed, the first request not retained. With an engine
// there are two nodes in this process, as its adapter for Redis Streams says.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { announce, options, publishing, readPath } from "./control.mjs";

const makeAdapter = await adapterMaker(options.engine);

async function adapterMaker(url) {
  if (url === undefined) return () => Promise.resolve({});
  const { createAdapter } = await import("@socket.io/redis-streams-adapter");
  const { createClient } = await import("redis");
  return async () => ({ adapter: createAdapter(await createClient({ url }).connect()) });
}

async function startNode() {
  const http = createServer();
  const io = new Server(http, {
    transports: ["websocket"],
    serveClient: false,
    perMessageDeflate: options.compression && { threshold: 1024 },
    ...(options.heartbeatMs === null
      ? {}
      : { pingInterval: options.heartbeatMs, pingTimeout: options.heartbeatMs * 2 }),
    ...(await makeAdapter()),
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
  await new Promise((resolve) => http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
  return { io, port: http.address().port };
}

const first = await startNode();
const second = options.engine === undefined ? null : await startNode();
announce(first.port, {
  second: () => ({ port: second.port }),
  flood: publishing(emitted(first.io)),
});

/** `emit` has no promise: what its adapter waits for is waited for. */
function emitted(io) {
  const { adapter } = io.of("/");
  const publish = adapter.doPublish?.bind(adapter);
  let added;
  adapter.doPublish = (message) => (added = publish(message));
  return () => {
    io.to("0").emit("m", "x".repeat(64));
    return added;
  };
}
