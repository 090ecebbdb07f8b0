// A file in chunks, both ways, of any size and in little memory. Coming in, each chunk is on the disk before the next one is read. Going
// out, one chunk more is sent when the client has taken those before.
// Run: node examples/run.mjs recipes/file-chunks
// Protocol: "put", binary chunks, "end" stores a file; "get" sends it back the same way.

import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeOnSignals, createServer } from "hawser";

const folder = await mkdtemp(join(tmpdir(), "hawser-files-"));
// Below maxMessageBytes (512 KiB), which bounds a message and not a file. A limit on files is yours to set.
const CHUNK_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 100 * 1024 * 1024;

interface Transfer {
  file?: FileHandle | undefined;
  bytes: number;
  onDrain?: (() => void) | undefined;
}

const server = createServer({
  data: (): Transfer => ({ bytes: 0 }),
  // It returns a promise: the next message of this client waits for it.
  async message(client, message) {
    const { data } = client;
    const path = join(folder, client.id);
    if (message.isBinary) {
      data.bytes += message.byteLength;
      if (data.file === undefined) return client.close(1008, "put comes first");
      if (data.bytes > MAX_FILE_BYTES) return client.close(1009, "the file is too long");
      await data.file.write(message.bytes);
    } else if (message.text() === "put") {
      await data.file?.close();
      data.file = await open(path, "w");
      data.bytes = 0;
    } else if (message.text() === "end") {
      await data.file?.close();
      data.file = undefined;
      client.send(`stored ${data.bytes}`);
    } else if (message.text() === "get") {
      for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
        if (client.send(chunk as Buffer) === "queued") await new Promise<void>((resolve) => (data.onDrain = resolve));
        if (!client.isOpen) return;
      }
      client.send("end");
    }
  },
  drain({ data }) {
    data.onDrain?.();
  },
  async close(client) {
    await client.data.file?.close();
    await rm(join(folder, client.id), { force: true });
  },
});

await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
