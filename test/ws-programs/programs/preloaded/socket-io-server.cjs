// A program that says nothing of hawser/ws.
const { Server } = require("socket.io");

const server = new Server(0, { cors: { origin: "https://app.example" } });
server.on("connection", (socket) => socket.emit("hello", socket.handshake.headers.origin));
server.httpServer.once("listening", () => process.send(server.httpServer.address().port));
process.once("disconnect", () => process.exit());
