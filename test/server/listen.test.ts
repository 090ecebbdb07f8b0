/** Where a server listens, and when it cannot. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createServer, UsageError } from "#hawser/index.js";
import { LogBook } from "./rig.js";

describe("listen", () => {
  it("says that the server was closed, and not that it listens already", async () => {
    const server = createServer({ logger: new LogBook() });
    await server.listen(0);
    await assert.rejects(server.listen(0), new UsageError("listen: this server listens already"));
    const closed = server.close();
    await assert.rejects(server.listen(0), new UsageError("listen: this server has been closed"));
    await closed;
    await assert.rejects(server.listen(0), new UsageError("listen: this server has been closed"));
  });
});
