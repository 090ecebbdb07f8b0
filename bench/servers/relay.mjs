// The least that two nodes can do to relay a message through Redis: its PUBLISH on a bare socket, whose answers nobody looks at. No history, no
// offsets, no topics, and nothing that notices a lost connection. What other servers take beyond this is theirs.

import { connect } from "node:net";
import { createServer } from "../../packages/hawser/dist/index.js";
import { announce, options, readPath } from "./control.mjs";

const { hostname, port } = new URL(options.engine);
const START = "*3\r\n$7\r\nmessage\r\n";

function startNode() {
  const publisher = connect(Number(port), hostname).setNoDelay().resume();
  const server = createServer({
    logLevel: "silent",
    compression: options.compression,
    open(client) {
      const { room, isMember } = readPath(client.path);
      client.data = room;
      if (isMember) client.subscribe(room);
    },
    message(client, message) {
      const [room, text] = [String(client.data), message.text()];
      publisher.write(`*3\r\n$7\r\nPUBLISH\r\n$${room.length}\r\n${room}\r\n$${text.length}\r\n${text}\r\n`);
    },
  });
  const subscriber = connect(Number(port), hostname).setNoDelay().setEncoding("latin1");
  subscriber.write("SUBSCRIBE 0 1\r\n");
  let rest = "";
  subscriber.on("data", (text) => {
    const messages = (rest + text).split(START);
    // The last one may not be whole yet: each ends with its room and its text, five lines.
    rest = messages.at(-1).split("\r\n").length < 5 ? START + messages.pop() : "";
    for (const message of messages) {
      const [, room, , payload] = message.split("\r\n");
      if (room === "0" || room === "1") server.publish(room, payload);
    }
  });
  return server.listen(0);
}

const [first, second] = [await startNode(), await startNode()];
announce(first.port, { second: () => ({ port: second.port }) });
