/** The `ws` client, in this process. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { type Closed, Inbox, type Peer, type PeerConnection } from "./peer.js";

export async function startWs(): Promise<Peer> {
  const sockets = new Set<WebSocket>();
  return {
    async connect(url) {
      const socket = new WebSocket(url);
      sockets.add(socket);
      const connection = wrap(socket); // before `open`, so that no message is missed
      await once(socket, "open");
      return connection();
    },
    async stop() {
      for (const socket of sockets) socket.terminate();
    },
  };
}

function wrap(socket: WebSocket): () => PeerConnection {
  const inbox = new Inbox();
  socket.on("error", () => {}); // `once(socket, "open")` rejects with it; later a close follows
  socket.on("message", (data, binary) => inbox.put({ binary, data: data as Buffer }));
  const closed = new Promise<Closed>((done) =>
    socket.on("close", (code, reason) => {
      inbox.end(`closed with ${code} ${String(reason)}`);
      done({ code, reason: String(reason) });
    }),
  );
  return () => ({
    extensions: socket.extensions,
    send: (data) => socket.send(data),
    next: () => inbox.next(),
    async ping(payload) {
      socket.ping(payload);
      const [pong] = (await once(socket, "pong")) as [Buffer];
      return String(pong);
    },
    close: (code, reason) => socket.close(code, reason),
    closed,
  });
}
