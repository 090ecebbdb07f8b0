// Where `hawser serve` listens: on an address and a port, on a Unix socket, or on what systemd passes on.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, test } from "node:test";
import { ConfigError } from "#cli/config/config-error.js";
import { configure, type FlagEntry } from "#cli/config/configure.js";
import type { Environment } from "#cli/config/environment.js";
import { listenErrorText } from "#cli/serving/listen-error.js";
import { settings } from "#cli/config/settings.js";
import { welcome } from "#cli/serving/welcome.js";

const PID = 4242;

function placeWith(values: Record<string, string>, environment: Environment = {}): unknown {
  const flags = Object.entries(values).map(([name, value]): FlagEntry => {
    const setting = settings.get(name)!;
    return { setting, value, flag: setting.flag };
  });
  return configure(flags, undefined, environment, PID).place;
}

describe("the place", () => {
  test("is an address and a port", () => {
    assert.deepEqual(placeWith({}), { host: "127.0.0.1", port: 8080 });
    assert.deepEqual(placeWith({ host: "::", port: "0" }), { host: "::", port: 0 });
  });

  test("is a Unix socket where one is named, whatever port is given beside it", () => {
    const path = resolve("/run/hawser.sock");
    assert.deepEqual(placeWith({ socket: path }), { path, mode: 0o660 });
    assert.deepEqual(placeWith({ socket: path, port: "9000", socketMode: "0600" }), { path, mode: 0o600 });
    assert.deepEqual(placeWith({}, { HAWSER_SOCKET: path, HAWSER_SOCKET_MODE: "666" }), { path, mode: 0o666 });
    for (const socketMode of ["", "66", "888", "1666", "rw-", "0o660"])
      assert.throws(() => placeWith({ socket: path, socketMode }), /socketMode: .*three octal digits/);
  });

  test("is the socket that systemd passes on to this process, whatever else is given", () => {
    const listen = { LISTEN_PID: String(PID), LISTEN_FDS: "1" };
    assert.deepEqual(placeWith({}, listen), { fd: 3 });
    assert.deepEqual(placeWith({ socket: "/run/hawser.sock", port: "1" }, listen), { fd: 3 });
    // The variables of a parent, which it has passed on without its sockets.
    assert.deepEqual(placeWith({}, { ...listen, LISTEN_PID: "1" }), { host: "127.0.0.1", port: 8080 });
    assert.deepEqual(placeWith({}, { ...listen, LISTEN_FDS: "0" }), { host: "127.0.0.1", port: 8080 });
    assert.throws(() => placeWith({}, { ...listen, LISTEN_FDS: "2" }), ConfigError);
  });

  test("may be the admin listener's address once it is a socket", () => {
    assert.throws(() => placeWith({ adminPort: "8080" }), /a port other than that of the clients/);
    assert.deepEqual(placeWith({ adminPort: "8080", socket: "/run/a.sock" }), { path: "/run/a.sock", mode: 0o660 });
  });
});

test("what is said of a place where it cannot listen", () => {
  const failed = (code: string): Error => Object.assign(new Error("the system's words"), { code });
  const path = "/run/hawser.sock";
  const rows: [text: string, expected: string][] = [
    [
      listenErrorText(failed("EADDRINUSE"), { path }),
      "cannot listen on /run/hawser.sock: a server answers there, or it is a file of another kind (EADDRINUSE)",
    ],
    [
      listenErrorText(failed("EACCES"), { path }),
      "cannot listen on /run/hawser.sock: no permission, or no such folder (EACCES)",
    ],
    [
      listenErrorText(failed("EADDRINUSE"), { host: "::1", port: 80 }),
      "cannot listen on [::1]:80: the port is in use (EADDRINUSE)",
    ],
    [
      listenErrorText(failed("EINVAL"), { fd: 3 }),
      "cannot listen on the socket that systemd passes on (descriptor 3): the system's words",
    ],
  ];
  for (const [text, expected] of rows) assert.equal(text, expected);
});

test("nobody is sent to a Unix socket with a browser", () => {
  const url = "ws+unix:///run/hawser.sock:/";
  assert.equal(welcome(url, { echo: false, page: true }, undefined), `Hawser serves rooms on ${url}`);
  assert.equal(
    welcome(`${url}chat`, { echo: true, page: true }, "/chat"),
    `Hawser sends back what you send to ${url}chat`,
  );
});
