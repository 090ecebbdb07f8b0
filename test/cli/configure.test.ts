// Where values come from and which one wins.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";

import { type Configuration, configure, type FlagEntry } from "#cli/config/configure.js";
import { settings } from "#cli/config/settings.js";

const folder = mkdtempSync(join(tmpdir(), "hawser-configure-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string, name = `config-${files++}.yaml`): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function flag(name: string, value: FlagEntry["value"]): FlagEntry {
  const setting = settings.get(name)!;
  return { setting, value, flag: setting.flag };
}

function valueOf({ own, server }: Configuration, name: string): unknown {
  return { ...own, ...server }[name as "host"];
}

test("a flag wins over a variable, a variable over the file, the file over the default", () => {
  const config = file("port: 1000\nhost: file.example\nlogLevel: warn\npongWaitMs: 1111\n");
  const environment = { HAWSER_PORT: "2000", HAWSER_HOST: "environment.example", HAWSER_PONG_WAIT_MS: "2222" };
  const flags = [flag("port", "3000"), flag("pongWaitMs", "3333")];

  const all = configure(flags, config, environment);
  assert.deepEqual(
    ["port", "pongWaitMs", "host", "logLevel"].map((name) => [valueOf(all, name), all.given.get(name)?.source]),
    [
      [3000, { from: "flag", flag: "--port" }],
      [3333, { from: "flag", flag: "--pong-wait-ms" }],
      ["environment.example", { from: "environment", variable: "HAWSER_HOST" }],
      ["warn", { from: "file", file: config, line: 3 }],
    ],
  );
  assert.equal(all.own.echo, false, "and the default where nobody says anything");
  assert.equal(valueOf(configure([], config, {}), "port"), 1000);
  assert.equal(valueOf(configure([], undefined, {}), "port"), 8080);
});

test("a list replaces the list of a weaker source and is not added to it", () => {
  const config = file("allowedOrigins: [https://a.example, https://b.example]");
  const { server } = configure([flag("allowedOrigins", ["https://c.example"])], config, {});
  assert.deepEqual(server.allowedOrigins, ["https://c.example"]);
  assert.deepEqual(configure([], config, { HAWSER_ALLOWED_ORIGINS: "" }).server.allowedOrigins, []);
});

test("a switch can be put off again by a stronger source", () => {
  const config = file("compression: true\npage: false");
  assert.equal(configure([], config, {}).server.compression, true);
  assert.equal(configure([], config, { HAWSER_COMPRESSION: "0" }).server.compression, false);
  assert.equal(configure([flag("compression", false)], config, {}).server.compression, false);
  assert.equal(configure([flag("page", true)], config, {}).own.page, true);
});

test("variables: each kind of value from text", () => {
  const environment = {
    HAWSER_MAX_CLIENTS: "5",
    HAWSER_ECHO: "1",
    HAWSER_COMPRESSION: "true",
    HAWSER_OVERFLOW: "drop-oldest",
    HAWSER_PATH: "/chat",
    HAWSER_SUBPROTOCOLS: "v2.chat, v1.chat,",
    HAWSER_RESPONSE_HEADERS: "X-A: 1\nCache-Control: no-store, private\n",
  };
  const { own, server } = configure([], undefined, environment);
  assert.equal(own.echo, true);
  assert.deepEqual(server, {
    maxClients: 5,
    compression: true,
    overflow: "drop-oldest",
    path: "/chat",
    subprotocols: ["v2.chat", "v1.chat"],
    responseHeaders: ["X-A: 1", "Cache-Control: no-store, private"],
  });
});

test("variables that describe a service called hawser are not for us", () => {
  const environment = {
    HAWSER_PORT: "tcp://10.0.0.1:80",
    HAWSER_PORT_80_TCP: "tcp://10.0.0.1:80",
    HAWSER_PORT_80_TCP_PORT: "80",
    HAWSER_SERVICE_HOST: "10.0.0.1",
    HAWSER_SERVICE_PORT: "80",
    HAWSER_SERVICE_PORT_HTTP: "80",
    HAWSERS: "not ours either",
  };
  assert.equal(configure([], undefined, environment).given.size, 0);
});

test("the config file can be JSON, empty, or named by a variable", () => {
  const json = file(`{\n\t"port": 1234,\n\t"allowedOrigins": ["https://a.example"]\n}`, "config.json");
  const { own, server } = configure([], undefined, { HAWSER_CONFIG: json });
  assert.deepEqual([own.port, server.allowedOrigins], [1234, ["https://a.example"]]);
  assert.equal(configure([], file("# port: 1\n"), {}).given.size, 0);
  assert.equal(configure([], file(""), {}).given.size, 0);
});

test("headers can be a mapping, and anchors work", () => {
  const config = file(
    "responseHeaders: {X-A: '1', X-B: b}\nallowedOrigins: &o [https://a.example]\nsubprotocols: [a]\n",
  );
  assert.deepEqual(configure([], config, {}).server.responseHeaders, ["X-A: 1", "X-B: b"]);
});

test("a file that a config file names lies beside it; one that a flag names, where the user is", () => {
  const config = file("tlsCert: certs/cert.pem\ntlsKey: /etc/key.pem");
  const { given } = configure([], config, {});
  assert.equal(given.get("tlsCert")?.value, join(folder, "certs", "cert.pem"));
  assert.equal(given.get("tlsKey")?.value, resolve("/etc/key.pem"));
  assert.equal(configure([flag("tlsCert", "cert.pem")], config, {}).given.get("tlsCert")?.value, "cert.pem");
});
