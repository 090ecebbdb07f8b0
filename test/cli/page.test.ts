// The page over plain HTTP: what is served, to whom, and under which headers.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { page as html } from "#cli/generated/page.js";
import { renderPage } from "#cli/serving/page.js";
import { serve, type ServerProcess } from "../harness/server.js";

describe("over HTTP", () => {
  let server: ServerProcess;
  let url: string;
  before(async () => {
    server = await serve([]);
    url = server.url.replace(/^ws/, "http");
  });
  after(() => server.stop());

  test("GET of any path has the page, HEAD its headers", async () => {
    for (const path of ["", "lobby", "lobby?x=1", "a/b/index.html"]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), html);
      const head = await fetch(url + path, { method: "HEAD" });
      assert.equal(await head.text(), "");
      assert.equal(head.headers.get("content-length"), String(Buffer.byteLength(html)));
      assert.equal(head.headers.get("content-type"), "text/html; charset=utf-8");
    }
  });

  test("its headers let the page's own code run and nothing else", async () => {
    const { headers } = await fetch(url);
    const policy = headers.get("content-security-policy")!.split("; ");
    assert.deepEqual(
      policy.map((directive) => directive.replace(/'sha256-[^']+'/, "HASH")),
      [
        "default-src 'none'",
        "style-src HASH",
        "script-src HASH",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ],
    );
    const script = /<script type="module">([\s\S]*)<\/script>/.exec(html)![1]!;
    assert.ok(policy[2]!.includes(createHash("sha256").update(script).digest("base64")));
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  });

  test("/favicon.ico is a picture", async () => {
    const response = await fetch(`${url}favicon.ico?v=1`);
    assert.deepEqual([response.status, response.headers.get("content-type")], [200, "image/svg+xml"]);
    assert.match(await response.text(), /^<svg /);
  });

  test("other methods get 405 with the methods there are", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await fetch(url, { method, ...(method === "POST" ? { body: "x".repeat(100_000) } : {}) });
      assert.deepEqual([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
      await response.text();
    }
    assert.equal((await fetch(url)).status, 200);
  });
});

test("nothing in the page comes from elsewhere", () => {
  assert.doesNotMatch(html, /https?:\/\//);
  assert.doesNotMatch(
    html,
    /\b(on\w+|style)="/,
    "neither a handler nor a style in an attribute: the policy forbids them",
  );
  assert.doesNotMatch(html, /innerHTML|outerHTML|insertAdjacent|document\.write/);
});

test("the page is told its mode and the only path", () => {
  assert.match(renderPage(html, { echo: true, path: undefined }), /data-mode="echo" data-path=""/);
  const odd = renderPage(html, { echo: false, path: '/"><script>$&' });
  assert.match(odd, /data-mode="rooms" data-path="\/&#34;&#62;&#60;script&#62;\$&#38;"/);
});

test("--no-page: plain HTTP gets 426", async (t) => {
  const server = await serve(["--no-page"]);
  t.after(() => server.stop());
  const response = await fetch(server.url.replace(/^ws/, "http"));
  assert.deepEqual([response.status, response.headers.get("upgrade")], [426, "websocket"]);
  assert.doesNotMatch(await response.text(), /</);
});
