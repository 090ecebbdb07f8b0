// Yjs: two documents in sync through the server of y-websocket, with who is there.

import { once } from "node:events";
import { createServer } from "node:http";
import { setupWSConnection } from "@y/websocket-server/utils";
import { WebSocketServer } from "ws";
import { WebSocket } from "ws-itself";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const http = createServer();
// As its bin does it.
const server = new WebSocketServer({ noServer: true });
server.on("connection", setupWSConnection);
http.on("upgrade", (request, socket, head) =>
  server.handleUpgrade(request, socket, head, (ws) => server.emit("connection", ws, request)),
);
http.listen(0, "127.0.0.1");
await once(http, "listening");

async function until(isSo) {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const open = () => {
  const doc = new Y.Doc();
  const options = { WebSocketPolyfill: WebSocket, disableBc: true };
  return { doc, provider: new WebsocketProvider(`ws://127.0.0.1:${http.address().port}`, "room", doc, options) };
};
const ada = open();
const grace = open();
const text = ({ doc }) => doc.getText("text");
text(ada).insert(0, "hello ");
text(grace).insert(0, "world ".repeat(10_000));
await until(() => text(ada).length === 60_006 && text(ada).toString() === text(grace).toString());
ada.provider.awareness.setLocalStateField("name", "ada");
await until(() => grace.provider.awareness.getStates().get(ada.doc.clientID)?.name === "ada");
ada.provider.destroy();
await until(() => !grace.provider.awareness.getStates().has(ada.doc.clientID));
grace.provider.destroy();
await until(() => server.clients.size === 0);
server.close();
http.close();
// The documents of the server have a timer each, and no end.
process.exit();
