// Vite's development server. Its `ws` is bundled into it, so no alias reaches that: this shows that it goes on working with the alias beside it,
// and that a plugin's own server, on the alias, shares its port with it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "vite";
import { WebSocketServer } from "ws";
import { WebSocket } from "ws-itself";

const root = mkdtempSync(join(tmpdir(), "hawser-vite-"));
writeFileSync(join(root, "index.html"), '<script type="module" src="/main.js"></script>');
writeFileSync(join(root, "main.js"), "export const a = 1;\nimport.meta.hot.accept();\n");
const plugin = {
  name: "own-socket",
  configureServer({ httpServer }) {
    const own = new WebSocketServer({ noServer: true });
    own.on("connection", (socket) => socket.send("from the plugin"));
    httpServer.on("upgrade", (request, socket, head) => {
      if (request.url !== "/own") return;
      own.handleUpgrade(request, socket, head, (ws) => own.emit("connection", ws, request));
    });
  },
};
const vite = await createServer({
  root,
  configFile: false,
  logLevel: "error",
  plugins: [plugin],
  server: { port: 0, host: "127.0.0.1" },
});
await vite.listen();
const url = `127.0.0.1:${vite.httpServer.address().port}`;

const own = new WebSocket(`ws://${url}/own`);
assert.equal(String((await once(own, "message"))[0]), "from the plugin");
await (await fetch(`http://${url}/main.js`)).text();
const page = new WebSocket(`ws://${url}/?token=${vite.config.webSocketToken}`, "vite-hmr");
const messages = [];
page.on("message", (data) => messages.push(JSON.parse(data)));
const has = async (type) => {
  while (!messages.some((message) => message.type === type)) await once(page, "message");
};
await has("connected");
writeFileSync(join(root, "main.js"), "export const a = 2;\nimport.meta.hot.accept();\n");
await has("update");
own.close();
await vite.close();
rmSync(root, { recursive: true });
