/** Practice 10: which host names pages may reach the server by, so that no site can pass for ours by having its name resolve to us. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createServer, type Server, type ServerOptions } from "#hawser/index.js";
import { hostAdvice, Hosts, isHostEntry, isOnLoopback } from "#hawser/server/handshake/host.js";
import { RawClient } from "../harness/raw-client.js";
import { certificates } from "../harness/certificates.js";
import { LogBook, PORTABLE, startRig } from "../harness/rig.js";

describe("names that nobody can have lead elsewhere", () => {
  const rows: [host: string, taken: boolean][] = [
    ["localhost", true],
    ["localhost:8080", true],
    ["LOCALHOST:8080", true],
    ["localhost.", true],
    ["localhost.:8080", true],
    ["app.localhost", true],
    ["a.b.localhost:1", true],
    ["127.0.0.1", true],
    ["127.0.0.1:8080", true],
    ["127.0.0.1.", true],
    ["192.0.2.1", true],
    ["[::1]", true],
    ["[::1]:8080", true],
    ["[2001:DB8::1]", true],
    ["[::ffff:127.0.0.1]", true],

    ["evil.example", false],
    ["evil.example:8080", false],
    ["localhost.evil.example", false],
    ["127.0.0.1.evil.example", false],
    ["127.0.0.1.nip.io", false],
    ["evillocalhost", false],
    ["localhost..", false],
    ["", false],
    [".", false],
    [".localhost", false],
    [":8080", false],
    ["::1", false],
    ["[::1", false],
    ["[::1]x", false],
    ["[localhost]", false],
    ["[fe80::1%25lo]", false],
    ["127.1", false],
    ["2130706433", false],
    ["0x7f.0.0.1", false],
    ["%6cocalhost", false],
    ["localhost%2eevil.example", false],
    ["evil.example@localhost", false],
    ["localhost:80:80", false],
    ["localhost:8080x", false],
    ["localhost/evil.example", false],
    ["localhost, evil.example", false],
    ["localhost evil.example", false],
    ["locälhost", false],
  ];
  for (const [host, taken] of rows) it(`${host}: ${taken}`, () => assert.equal(new Hosts([]).allows(host), taken));
  it("no host: false", () => assert.equal(new Hosts([]).allows(undefined), false));
});

describe("a list of names", () => {
  const hosts = new Hosts(["chat.example", "Other.Example:8443", "third.example:443", ".sub.example"]);
  const rows: [host: string, taken: boolean][] = [
    ["chat.example", true],
    ["CHAT.example.:9", true],
    ["chat.example:", true],
    ["other.example:8443", true],
    ["third.example", true],
    ["third.example:443", true],
    ["sub.example", true],
    ["a.sub.example:1", true],
    ["a.b.sub.example", true],
    ["localhost:1", true],
    ["192.0.2.1", true],
    ["other.example", false],
    ["other.example:84430", false],
    ["third.example:8443", false],
    ["a.chat.example", false],
    ["xsub.example", false],
    ["sub.example.evil.example", false],
  ];
  for (const [host, taken] of rows) it(`${host}: ${taken}`, () => assert.equal(hosts.allows(host), taken));
});

it("an address that is listed in vain harms nobody", () => {
  const hosts = new Hosts(["::1", "[::1]:8080"]);
  assert.deepEqual([hosts.isGiven, hosts.allows("evil.example"), hosts.allows("[::2]")], [true, false, true]);
});

describe("what can be listed", () => {
  for (const entry of [
    "a.example",
    "A.Example:8443",
    ".a.example",
    "localhost",
    "my_host",
    "192.0.2.1",
    "[::1]:8080",
    "::1",
  ])
    it(`${entry}: yes`, () => assert.ok(isHostEntry(entry)));
  const refused: [entry: string, advice: string | undefined][] = [
    ["*.a.example", ".a.example for that name and all below it"],
    ["https://a.example", "a host name without scheme and path: a.example"],
    ["https://a.example:8443/chat", "a host name without scheme and path: a.example:8443"],
    ["a.example/chat", "a host name without scheme and path: a.example"],
    ["*", undefined],
    ["a.*.example", undefined],
    ["", undefined],
    [".", undefined],
    [".127.0.0.1", undefined],
    ["a b", undefined],
    ["bücher.example", undefined],
    ["a.example:port", undefined],
  ];
  for (const [entry, advice] of refused) {
    it(`${JSON.stringify(entry)}: no`, () => {
      assert.ok(!isHostEntry(entry));
      assert.equal(hostAdvice(entry), advice);
    });
  }
});

const EVIL = "evil.example";

/** The status that a page of `http://HOST` gets, which asked for that same host. */
async function statusFor(
  port: number,
  host: string,
  at = "127.0.0.1",
  headers: Record<string, string> = {},
): Promise<number> {
  const peer = await RawClient.connect(`ws://${at}:${port}/`);
  const { status } = await peer.handshake({ origin: `http://${host}`, headers: { Host: host, ...headers } });
  peer.destroy();
  return status;
}

function started(test: TestContext, options: ServerOptions = {}): Server {
  const server = createServer({ logger: new LogBook(), portableSockets: process.env[PORTABLE] === "1", ...options });
  test.after(() => server.close({ graceMs: 0 }));
  return server;
}

describe("a server that listens on the loopback", () => {
  for (const [host, at] of [
    ["127.0.0.1", "127.0.0.1"],
    ["localhost", "localhost"],
    ["::1", "[::1]"],
    ["127.0.0.2", "127.0.0.2"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
  ] as const) {
    for (const portableSockets of [false, true]) {
      it(`${host}, ${portableSockets ? "portable" : "lean"}: takes names of the loopback, and no others`, async (test) => {
        const { port } = await started(test, { portableSockets }).listen(0, host);
        for (const name of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, `app.localhost:${port}`])
          assert.equal(await statusFor(port, name, at), 101, name);
        for (const name of [EVIL, `${EVIL}:${port}`, "localhost.evil.example"])
          assert.equal(await statusFor(port, name, at), 421, name);
      });
    }
  }

  it("says in its answer and in the log which options decide", async (test) => {
    const rig = await startRig(test);
    const peer = await rig.dial();
    const answer = await peer.handshake({ origin: "http://evil.example:81", headers: { Host: "evil.example:81" } });
    assert.equal(answer.status, 421);
    assert.match(answer.body, /allowedHosts.*trustProxy/);
    const [line] = rig.log.of("refused");
    assert.deepEqual(
      [line!["reason"], line!["host"], line!["origin"]],
      ["unknown-host", "evil.example:81", "http://evil.example:81"],
    );
    assert.match(line!.text, /allowedHosts.*trustProxy/);
    assert.equal(rig.server.stats.refused["unknown-host"], 1);
  });

  it("holds back no client that is no browser, and no page whose origin is listed", async (test) => {
    const rig = await startRig(test, { allowedOrigins: ["http://evil.example"] });
    assert.equal((await (await rig.dial()).handshake({ headers: { Host: EVIL } })).status, 101);
    assert.equal(await statusFor(rig.port, EVIL), 101);
    assert.equal(await statusFor(rig.port, `${EVIL}:81`), 421, "another origin");
    const both = await startRig(test, { allowedOrigins: ["http://evil.example"], allowedHosts: ["chat.example"] });
    assert.equal(await statusFor(both.port, EVIL), 101, "by any name, whatever the list of names");
  });

  it("lets any page in, by any name, where any origin may connect", async (test) => {
    const rig = await startRig(test, { dangerouslyAllowAnyOrigin: "a public feed" });
    assert.equal(await statusFor(rig.port, EVIL), 101);
  });

  it("takes what a proxy of trustProxy forwarded, with its header, and not what anybody else says to have forwarded", async (test) => {
    const forwarded = { "X-Forwarded-For": "203.0.113.7" };
    const trusting = await startRig(test, { trustProxy: ["127.0.0.1"] });
    assert.equal(await statusFor(trusting.port, EVIL, "127.0.0.1", forwarded), 101);
    assert.equal(await statusFor(trusting.port, EVIL), 421, "no header: a page on this machine");
    const others = await startRig(test, { trustProxy: ["10.0.0.0/8"] });
    assert.equal(await statusFor(others.port, EVIL, "127.0.0.1", forwarded), 421, "not from the proxy");
    const nobody = await startRig(test);
    assert.equal(await statusFor(nobody.port, EVIL, "127.0.0.1", forwarded), 421, "nobody is trusted");
    const listed = await startRig(test, { trustProxy: ["127.0.0.1"], allowedHosts: ["chat.example"] });
    assert.equal(await statusFor(listed.port, "chat.example", "127.0.0.1", forwarded), 101);
    assert.equal(
      await statusFor(listed.port, EVIL, "127.0.0.1", forwarded),
      421,
      "a list holds for what is forwarded, too",
    );
  });

  it("goes by the target where that names the host (RFC 9112 3.2.2)", async (test) => {
    const rig = await startRig(test);
    const { port } = rig;
    const rows: [target: string, host: string, origin: string, status: number][] = [
      ["http://evil.example/", `localhost:${port}`, "http://evil.example", 421],
      [`http://localhost:${port}/`, EVIL, `http://localhost:${port}`, 101],
      [`http://localhost:${port}/`, EVIL, "http://evil.example", 403],
      ["http://evil.example/", `localhost:${port}`, `http://localhost:${port}`, 403],
    ];
    for (const [path, host, origin, status] of rows) {
      const answer = await (await rig.dial()).handshake({ path, origin, headers: { Host: host } });
      assert.equal(answer.status, status, `${path} at ${host} from ${origin}`);
    }
  });

  it("refuses two Host headers", async (test) => {
    const rig = await startRig(test);
    const headers = { Host: `localhost:${rig.port}\r\nHost: evil.example` };
    assert.equal((await (await rig.dial()).handshake({ origin: `http://localhost:${rig.port}`, headers })).status, 400);
  });
});

describe("a server that listens elsewhere", () => {
  it("takes any name, or those that are listed", async (test) => {
    for (const host of ["0.0.0.0", "::"]) {
      const open = await started(test).listen(0, host);
      assert.equal(await statusFor(open.port, EVIL), 101);
      const { port } = await started(test, { allowedHosts: ["chat.example", ".sub.example:81"] }).listen(0, host);
      for (const name of ["chat.example", "chat.example:8443", "a.sub.example:81", `localhost:${port}`, "192.0.2.1"])
        assert.equal(await statusFor(port, name), 101, name);
      for (const name of [EVIL, "a.sub.example", "a.chat.example"])
        assert.equal(await statusFor(port, name), 421, name);
    }
  });

  it("a list holds even where any origin may connect", async (test) => {
    const rig = await startRig(test, { dangerouslyAllowAnyOrigin: "public", allowedHosts: ["chat.example"] });
    assert.deepEqual([await statusFor(rig.port, "chat.example"), await statusFor(rig.port, EVIL)], [101, 421]);
  });
});

describe("an attached server", () => {
  for (const how of ["attach", "handleUpgrade"] as const) {
    it(`${how}: goes by where the HTTP server listens when a handshake comes`, async (test) => {
      const server = started(test);
      const http = createHttpServer();
      test.after(() => http.close());
      if (how === "attach") server.attach(http);
      else http.on("upgrade", (request, socket, head) => server.handleUpgrade(request, socket, head));
      const statuses: number[] = [];
      for (const host of ["127.0.0.1", "0.0.0.0", "127.0.0.1"]) {
        http.listen(0, host);
        await once(http, "listening");
        const { port } = http.address() as AddressInfo;
        statuses.push(await statusFor(port, EVIL), await statusFor(port, `localhost:${port}`));
        for (const client of server.clients.values()) client.terminate();
        http.closeAllConnections();
        http.close();
        await once(http, "close");
      }
      assert.deepEqual(statuses, [421, 101, 101, 101, 421, 101]);
    });

    it(`${how}: over TLS as well`, async (test) => {
      const server = started(test);
      const https = createHttpsServer(certificates.first);
      test.after(() => https.close());
      if (how === "attach") server.attach(https);
      else https.on("upgrade", (request, socket, head) => server.handleUpgrade(request, socket, head));
      https.listen(0, "127.0.0.1");
      await once(https, "listening");
      const { port } = https.address() as AddressInfo;
      const peer = await RawClient.connect(`wss://127.0.0.1:${port}/`);
      test.after(() => peer.destroy());
      const answer = await peer.handshake({ origin: "https://evil.example", headers: { Host: EVIL } });
      assert.equal(answer.status, 421);
    });
  }

  it("knows no loopback where nothing is known of the listener", () => {
    for (const listener of [
      undefined,
      {},
      { address: () => null },
      { address: () => "/run/a.sock" },
      { address: () => ({}) },
    ])
      assert.ok(!isOnLoopback(listener));
    assert.ok(!isOnLoopback({ address: () => ({ address: "192.0.2.1" }) }));
    for (const address of ["127.0.0.53", "127.255.255.254", "::1", "::ffff:127.0.0.1"])
      assert.ok(isOnLoopback({ address: () => ({ address }) }), address);
    for (const address of ["128.0.0.1", "126.255.255.255", "::", "::2", "0.0.0.0", "localhost", ""])
      assert.ok(!isOnLoopback({ address: () => ({ address }) }), address);
  });
});
