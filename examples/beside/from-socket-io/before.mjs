// A chat on Socket.IO: a token in the handshake, rooms, an event with an acknowledgement, connection state recovery.
// Run: node examples/run.mjs beside/from-socket-io/before

import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } });

io.use((socket, next) => {
  const { token } = socket.handshake.auth;
  if (!token) return next(new Error("unauthorized"));
  socket.data.user = token;
  next();
});

io.on("connection", (socket) => {
  socket.on("join", async (room, answer) => {
    if (room === "staff" && socket.data.user !== "ada") return answer({ error: "forbidden" });
    await socket.join(room);
    answer({});
  });
  socket.on("say", (room, text, answer) => {
    if (!socket.rooms.has(room)) return answer({ error: "forbidden" });
    if (typeof text !== "string" || text.length > 2000) return answer({ error: "bad-request" });
    io.to(room).emit("said", { room, by: socket.data.user, text });
    answer({});
  });
  socket.on("time", (answer) => answer({ now: Date.now() }));
});

http.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => console.log("listening on", http.address()));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void io.close());
