/** `hawser serve --http2`: the page, the hub's API and plain requests over HTTP/2, beside WebSockets. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { certificates } from "../harness/certificates.js";
import { Http2Peer } from "../harness/http2-client.js";
import { serve } from "../harness/server.js";

for (const more of [[], ["--no-page"]]) {
  it(`hawser serve --http2 ${more.join(" ")}`, async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-http2-"));
    test.after(() => rmSync(folder, { recursive: true }));
    const [cert, key] = (["cert", "key"] as const).map((name) => {
      const file = join(folder, `${name}.pem`);
      writeFileSync(file, certificates.first[name], { mode: 0o600 });
      return file;
    });
    const server = await serve(["--http2", "--tls-cert", cert!, "--tls-key", key!, ...more]);
    test.after(() => server.stop());
    const peer = await Http2Peer.connect(test, server.url);
    assert.equal((await peer.get("/")).status, more.length === 0 ? 200 : 404);
    const refused = await peer.ask({ ":method": "POST", ":protocol": undefined, "sec-websocket-version": undefined });
    assert.ok(refused.status >= 400 && refused.status < 500, String(refused.status));
    await peer.open({ ":path": "/lobby" });
    const line = await server.waitForEvent("connect");
    assert.equal(line["httpVersion"], "2.0");
    const { strayLines, exited } = server;
    assert.deepEqual([strayLines, exited], [[], undefined]);
  });
}
