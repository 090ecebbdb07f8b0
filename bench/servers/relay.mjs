// The least that two nodes can do to relay a message through Redis: its PUBLISH on a bare socket, whose answers nobody looks at. No history, no
// offsets, no topics, and nothing that notices a lost connection. What other servers take beyond this is theirs.

import { connect } from "node:net";
import { createServer } from "../../packages/hawser/dist/index.js";
import { announce, options, readPath } from "./control.mjs";

const { hostname, port } = new URL(options.engine);

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
  // An answer to SUBSCRIBE is six lines, a message seven: its room is the fifth, its text the last.
  const lines = [""];
  subscriber.on("data", (text) => {
    const [first, ...more] = text.split("\r\n");
    lines[lines.length - 1] += first;
    lines.push(...more);
    for (;;) {
      const length = lines[2] === "message" ? 7 : 6;
      // The last line is not whole yet.
      if (lines.length <= length) return;
      const read = lines.splice(0, length);
      if (length === 7) server.publish(read[4], read[6]);
    }
  });
  return server.listen(0);
}

const [first, second] = [await startNode(), await startNode()];
announce(first.port, { second: () => ({ port: second.port }) });
