import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findTarget, nameOf, placeOf, TargetError } from "#cli/tools/target.js";

describe("findTarget", () => {
  it("reads where to connect, and what to ask for", async () => {
    const target = await findTarget("ws://127.0.0.1:8080/chat?room=1#top", false);
    assert.deepEqual(
      { ...target, url: target.url.href },
      {
        url: "ws://127.0.0.1:8080/chat?room=1#top",
        isSecure: false,
        socketPath: null,
        address: "127.0.0.1",
        port: 8080,
        path: "/chat?room=1",
        host: "127.0.0.1:8080",
      },
    );
  });

  it("takes http and https for ws and wss, and no scheme for ws", async () => {
    for (const [text, url, port] of [
      ["http://127.0.0.1:80/", "ws://127.0.0.1/", 80],
      ["https://127.0.0.1", "wss://127.0.0.1/", 443],
      ["127.0.0.1:9000", "ws://127.0.0.1:9000/", 9000],
      ["ws://[::1]:9000/x", "ws://[::1]:9000/x", 9000],
    ] as const) {
      const target = await findTarget(text, false);
      assert.equal(target.url.href, url);
      assert.equal(target.port, port);
    }
  });

  it("finds localhost", async () => {
    assert.match((await findTarget("localhost:1", false)).address, /^127\.0\.0\.1$|^::1$/);
  });

  it("refuses what is not this machine, unless its owner asks", async () => {
    for (const text of ["ws://192.0.2.1/", "ws://[2001:db8::1]/", "ws://0.0.0.0/"]) {
      await assert.rejects(findTarget(text, false), /^TargetError: .* is not this machine: --i-own-this-server/);
    }
    assert.equal((await findTarget("ws://192.0.2.1/", true)).address, "192.0.2.1");
  });

  for (const text of ["", "ftp://localhost/", "ws://", "http://a b/", "::", "ws://localhost:99999/"]) {
    it(`says what it takes instead of ${JSON.stringify(text)}`, async () => {
      await assert.rejects(findTarget(text, true), (error) => {
        assert.ok(error instanceof TargetError);
        assert.match(
          error.message,
          /^".*" is no address of a WebSocket server: takes ws:\/\/HOST:PORT\/PATH, wss:\/\/ or ws\+unix:FILE:\/PATH$/,
        );
        return true;
      });
    });
  }

  it("reads where a Unix socket is, and what to ask for", async () => {
    for (const [text, file, path, isSecure] of [
      ["ws+unix:/run/a.sock:/chat?room=1", "/run/a.sock", "/chat?room=1", false],
      ["ws+unix:///run/a.sock:/", "/run/a.sock", "/", false],
      ["ws+unix:/run/with blanks/a.sock", "/run/with blanks/a.sock", "/", false],
      ["wss+unix:./a.sock:/x#top", "./a.sock", "/x", true],
      ["WS+UNIX:/A:/B", "/A", "/B", false],
    ] as const) {
      const target = await findTarget(text, false);
      assert.deepEqual(
        [target.socketPath, target.path, target.isSecure, target.host],
        [file, path, isSecure, "localhost"],
      );
      assert.deepEqual(placeOf(target), { path: file });
      assert.equal(nameOf(target), `${isSecure ? "wss" : "ws"}+unix:${file}:${path}`);
    }
  });

  for (const text of ["ws+unix:", "ws+unix::/x", "ws+unix:/a:b", "ws+unix:/a\0:/"]) {
    it(`says what it takes instead of ${JSON.stringify(text)}`, async () => {
      await assert.rejects(findTarget(text, true), (error) => {
        assert.ok(error instanceof TargetError);
        assert.match(error.message, /^".*" is no address on a Unix socket: takes ws\+unix:FILE:\/PATH or wss\+unix:$/);
        return true;
      });
    });
  }
});
