/** One of the servers that `engine.ts` compares, in a process of its own: prints its port and echoes until it is told to stop. */

import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { createServer } from "#hawser/index.js";
import { acceptValue } from "#hawser/protocol/handshake.js";
import { WebSocketServer } from "ws";

/** The floor: a socket that upgrades and then sends back the very bytes it gets, without looking at them. */
function serveBareSocket(): void {
  const server = createTcpServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (head) => {
      const key = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1"))![1]!;
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(key)}\r\n\r\n`,
      );
      socket.on("data", (chunk) => socket.write(chunk));
    });
  });
  server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
}

function serveWs(): void {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("listening", () => announce((server.address() as AddressInfo).port));
  server.on("connection", (client) =>
    client.on("message", (data, isBinary) => client.send(data, { binary: isBinary })),
  );
}

/** As it is by default, every safety feature on. */
async function serveHawser(): Promise<void> {
  const server = createServer({ logLevel: "silent", message: (client, message) => void client.send(message) });
  announce((await server.listen(0)).port);
}

function announce(port: number): void {
  process.send!(port);
}

/** Asked for its CPU time so far, in microseconds. */
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send!(user + system);
});
process.on("disconnect", () => process.exit());
switch (process.argv[2]) {
  case "socket":
    serveBareSocket();
    break;
  case "ws":
    serveWs();
    break;
  default:
    await serveHawser();
}
