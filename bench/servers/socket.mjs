// The floor of what Node's sockets allow: it upgrades and then hands on the very bytes it gets, without looking at them.

import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { announce, readPath } from "./control.mjs";

const rooms = new Map();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (head) => {
    const text = head.toString("latin1");
    const key = /sec-websocket-key: (\S+)/i.exec(text)[1];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const { room, isMember } = readPath(text.split(" ", 2)[1]);
    if (room === null) {
      socket.on("data", (chunk) => socket.write(chunk));
      return;
    }
    if (!rooms.has(room)) rooms.set(room, new Set());
    const members = rooms.get(room);
    if (isMember) {
      members.add(socket);
      socket.on("close", () => members.delete(socket));
    }
    socket.on("data", (chunk) => {
      for (const member of members) member.write(chunk);
    });
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => announce(server.address().port));
