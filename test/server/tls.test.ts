/** `wss://`, and a certificate that is replaced while clients are connected. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { createServer, UsageError } from "#hawser/index.js";
import { RawClient } from "../harness/raw-client.js";
import { certificates } from "../harness/certificates.js";
import { LogBook, startRig } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

function commonName(peer: RawClient): string {
  return (peer.socket as TLSSocket).getPeerCertificate().subject.CN as string;
}

describe("tls", () => {
  it("serves wss, with messages of any size", async (test) => {
    const rig = await startRig(test, {
      tls: certificates.first,
      message: (client, message) => void client.send(message),
    });
    assert.match(String(rig.log.of("listening")[0]!["url"]), /^wss:/);
    const { peer } = await rig.connect();
    for (const size of [0, 10, 20_000, 500_000]) await peer.echo("x".repeat(size));
    await peer.close();
    assert.equal((await rig.nextClosed()).cause, "normal");
  });

  it("setTls gives new connections the new certificate, and leaves the others alone", async (test) => {
    const rig = await startRig(test, {
      tls: certificates.first,
      message: (client, message) => void client.send(message),
    });
    const before = await rig.connect();
    assert.equal(commonName(before.peer), "test-a");
    rig.server.setTls(certificates.second);
    const later = await rig.connect();
    assert.equal(commonName(later.peer), "test-b");
    await before.peer.echo("still here");
    assert.equal(rig.log.of("tls-replaced").length, 1);
  });

  it("setTls throws for what is no certificate, and the old one stays", async (test) => {
    const rig = await startRig(test, { tls: certificates.first });
    const { cert } = certificates.second;
    assert.throws(() => rig.server.setTls({ cert: "rubbish", key: "rubbish" }));
    assert.throws(() => rig.server.setTls({ cert, key: certificates.first.key }), "a key of another certificate");
    assert.equal(commonName((await rig.connect()).peer), "test-a");
    assert.equal(rig.log.of("tls-replaced").length, 0);
  });

  it("setTls before listen counts", async (test) => {
    const server = createServer({ tls: certificates.first, clock: new StepClock(), logger: new LogBook() });
    assert.throws(() => server.setTls({ cert: "rubbish", key: "rubbish" }));
    server.setTls(certificates.second);
    const { url } = await server.listen(0);
    const peer = await RawClient.open(url);
    test.after(async () => {
      peer.destroy();
      await server.close({ graceMs: 0 });
    });
    assert.equal(commonName(peer), "test-b");
  });

  it("setTls is refused where there is no tls", async (test) => {
    const rig = await startRig(test);
    assert.throws(() => rig.server.setTls(certificates.first), UsageError);
  });

  it("a wrong certificate makes listen reject, and plain bytes on the port end nothing", async (test) => {
    const server = createServer({
      tls: { cert: "rubbish", key: "rubbish" },
      clock: new StepClock(),
      logger: new LogBook(),
    });
    await assert.rejects(server.listen(0));
    const rig = await startRig(test, { tls: certificates.first });
    const plain = await RawClient.connect(rig.url.replace("wss:", "ws:"));
    await plain.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await plain.ended();
    await rig.connect();
  });
});
