// What a token has to be: signatures of every kind, claims, and what hostile clients send.

import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, type JsonWebKey, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { jwt, type JwtAlgorithm, type JwtFault, type JwtOptions, type Verified } from "@hawser/jwt";
import {
  AUDIENCE,
  claims,
  ed25519,
  forge,
  ISSUER,
  jwk,
  type KeyPair,
  p256,
  p384,
  p521,
  pem,
  rsa,
  secret,
  sign,
  START_S,
} from "./harness/issuer.js";

const at = (seconds: number): { now: () => number } => ({ now: () => seconds * 1000 });

/** Checks a token at the start of all tests, or so many seconds later. */
function check(token: string | undefined, options: JwtOptions, laterS = 0): Promise<Verified | JwtFault> {
  return jwt(options, at(START_S + laterS))(token);
}

const SHARED: JwtOptions = { secret, issuer: ISSUER, audience: AUDIENCE };

async function refused(token: string | undefined, options: JwtOptions = SHARED, laterS = 0): Promise<JwtFault> {
  const result = await check(token, options, laterS);
  assert.ok("code" in result, "the token was taken");
  return result;
}

async function taken(token: string, options: JwtOptions = SHARED, laterS = 0): Promise<Verified> {
  const result = await check(token, options, laterS);
  assert.ok("user" in result, JSON.stringify(result));
  return result;
}

describe("signatures", () => {
  const pairs: Record<string, KeyPair> = {
    RS256: rsa,
    RS384: rsa,
    RS512: rsa,
    PS256: rsa,
    PS384: rsa,
    PS512: rsa,
    ES256: p256,
    ES384: p384,
    ES512: p521,
    EdDSA: ed25519,
    Ed25519: ed25519,
  };

  for (const algorithm of ["HS256", "HS384", "HS512"] as const) {
    it(`${algorithm} by a secret, and not with another one`, async () => {
      const options = { ...SHARED, algorithms: [algorithm] };
      assert.equal((await taken(await sign(algorithm, secret), options)).user, "u7");
      const other = await sign(algorithm, randomBytes(64));
      assert.match((await refused(other, options)).sentence, /signature/);
    });
  }

  for (const [algorithm, pair] of Object.entries(pairs)) {
    it(`${algorithm} by a public key as PEM, JWK and KeyObject`, async () => {
      const token = await sign(algorithm, pair.privateKey);
      for (const publicKey of [pem(pair), jwk(pair) as JsonWebKey, pair.publicKey]) {
        assert.equal((await taken(token, { publicKey, algorithms: [algorithm as JwtAlgorithm] })).user, "u7");
        assert.equal((await taken(token, { publicKey })).user, "u7", "without a list");
      }
      const [head, body, signature] = token.split(".");
      const tail = signature!.startsWith("A") ? `B${signature!.slice(1)}` : `A${signature!.slice(1)}`;
      assert.equal((await refused(`${head}.${body}.${tail}`, { publicKey: pair.publicKey })).code, "unauthorized");
    });
  }

  it("text is a secret in UTF-8", async () => {
    const text = "ünd so weiter, zweiunddreißig Bytes";
    await taken(await sign("HS256", new TextEncoder().encode(text)), { secret: text });
  });
});

describe("claims", () => {
  it("are told, with the end in milliseconds and the grace", async () => {
    const result = await taken(await sign("HS256", secret, { name: "Ada" }));
    assert.deepEqual(result, {
      user: "u7",
      claims: claims({ name: "Ada" }),
      expiresAt: (START_S + 600) * 1000,
      graceMs: 25_000,
      topics: undefined,
    });
    assert.equal((await taken(await sign("HS256", secret), { ...SHARED, graceMs: 0 })).graceMs, 0);
  });

  it("exp: expired after the tolerance, and not before", async () => {
    const token = await sign("HS256", secret);
    await taken(token, SHARED, 604);
    assert.deepEqual(await refused(token, SHARED, 605), {
      code: "expired",
      sentence: "the token has expired: send a new one",
    });
    assert.equal((await refused(token, { ...SHARED, toleranceMs: 0 }, 600)).code, "expired");
  });

  it("a wrong signature is unauthorized, however old the token", async () => {
    assert.equal((await refused(await sign("HS256", randomBytes(64)), SHARED, 10_000)).code, "unauthorized");
  });

  it("nbf: not valid yet, but for the tolerance", async () => {
    const token = await sign("HS256", secret, { nbf: START_S + 10 });
    assert.deepEqual(await refused(token), { code: "unauthorized", sentence: "the token is not valid yet" });
    await taken(token, SHARED, 5);
  });

  it("exp is needed, unless that is spelled out", async () => {
    const token = await sign("HS256", secret, { exp: undefined });
    assert.match((await refused(token)).sentence, /no claim exp/);
    const result = await taken(token, {
      ...SHARED,
      dangerouslyAllowTokensWithoutExpiry: "machines in our own network",
    });
    assert.equal(result.expiresAt, undefined);
  });

  it("an end beyond all dates is a date", async () => {
    assert.equal((await taken(await sign("HS256", secret, { exp: 1e300 }))).expiresAt, 8_640_000_000_000_000);
  });

  it("iss and aud: one of those that are asked for", async () => {
    for (const change of [
      { iss: "https://evil.example" },
      { iss: undefined },
      { aud: "mail" },
      { aud: undefined },
      { aud: ["mail"] },
    ]) {
      assert.equal((await refused(await sign("HS256", secret, change))).code, "unauthorized", JSON.stringify(change));
    }
    const options = { secret, issuer: ["https://old.example", ISSUER], audience: ["calls", AUDIENCE] };
    await taken(await sign("HS256", secret, { aud: ["mail", AUDIENCE] }), options);
  });

  it("typ, where it is asked for", async () => {
    const options = { ...SHARED, type: "at+jwt" };
    await taken(await sign("HS256", secret, {}, { typ: "at+jwt" }), options);
    assert.match((await refused(await sign("HS256", secret, {}, { typ: "JWT" }), options)).sentence, /typ/);
    assert.equal((await refused(await sign("HS256", secret), options)).code, "unauthorized");
  });

  it("the user's id has to be fit for a message's `by`", async () => {
    for (const sub of [undefined, "", 7, null, "a".repeat(256), "ä".repeat(128), "a\nb", { a: 1 }]) {
      assert.match(
        (await refused(await sign("HS256", secret, { sub }))).sentence,
        /claim sub has to/,
        JSON.stringify(sub),
      );
    }
    assert.equal((await taken(await sign("HS256", secret, { sub: "a".repeat(255) }))).user.length, 255);
  });

  it("the claims of user and topics may have other names, and one of every object is none", async () => {
    const names = { user: "preferred_username", topics: "https://example.com/hub" };
    const token = await sign("HS256", secret, {
      sub: "0e1c",
      preferred_username: "ada",
      "https://example.com/hub": { sub: ["news"] },
    });
    const result = await taken(token, { ...SHARED, claims: names });
    assert.equal(result.user, "ada");
    assert.deepEqual(result.topics, { subscribe: ["news"], publish: [] });
    await refused(token, { ...SHARED, claims: { user: "toString" } });
    assert.equal((await taken(token, { ...SHARED, claims: { topics: "constructor" } })).topics, undefined);
  });

  it("topics: patterns, or a token that is not believed at all", async () => {
    const topics = async (hub: unknown): Promise<unknown> => (await taken(await sign("HS256", secret, { hub }))).topics;
    assert.deepEqual(await topics({ sub: ["room:{id}", "news"], pub: ["room:7"], later: 1 }), {
      subscribe: ["room:{id}", "news"],
      publish: ["room:7"],
    });
    assert.deepEqual(await topics({}), { subscribe: [], publish: [] });
    for (const hub of [
      null,
      "room:7",
      ["room:7"],
      { sub: "room:7" },
      { pub: [7] },
      { sub: [""] },
      { sub: ["a\u0000"] },
    ]) {
      assert.match((await refused(await sign("HS256", secret, { hub }))).sentence, /claim hub/, JSON.stringify(hub));
    }
  });
});

describe("hostile tokens", () => {
  const RSA_PINNED: JwtOptions = { publicKey: rsa.publicKey, algorithms: ["RS256"] };

  it("alg none, however it is written", async () => {
    for (const alg of ["none", "None", "NONE", "nOnE", "", null, 0, undefined, ["none"], "HS256 "]) {
      for (const options of [SHARED, RSA_PINNED]) {
        assert.equal((await refused(forge({ alg }, claims()), options)).code, "unauthorized", String(alg));
      }
    }
  });

  it("HS256 with the public key as the secret, in all of its forms", async () => {
    const der = rsa.publicKey.export({ type: "spki", format: "der" });
    for (const key of [pem(rsa), pem(rsa).trim(), der]) {
      const token = forge({ alg: "HS256" }, claims(), key);
      assert.match((await refused(token, RSA_PINNED)).sentence, /algorithm/);
    }
  });

  it("another algorithm of the same key than the one that is pinned", async () => {
    assert.match((await refused(await sign("PS256", rsa.privateKey), RSA_PINNED)).sentence, /algorithm/);
    assert.match((await refused(await sign("HS512", secret))).sentence, /algorithm/);
  });

  it("a key of its own in the header", async () => {
    const own = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const header = { jwk: jwk(own), jku: "http://127.0.0.1:1/keys", x5u: "http://127.0.0.1:1/cert" };
    assert.match((await refused(await sign("RS256", own.privateKey, {}, header), RSA_PINNED)).sentence, /signature/);
  });

  it("a header that has to be understood (RFC 7515 4.1.11)", async () => {
    for (const header of [
      { alg: "HS256", crit: ["exp"], exp: 1 },
      { alg: "HS256", crit: [] },
      { alg: "HS256", crit: "b64" },
      { alg: "HS256", crit: ["b64"], b64: false },
      { alg: "HS256", crit: ["http://example.com/x"], "http://example.com/x": 1 },
    ]) {
      assert.equal((await refused(forge(header, claims(), secret))).code, "unauthorized", JSON.stringify(header));
    }
  });

  it("what is no token", async () => {
    const good = await sign("HS256", secret);
    const [head, body, signature] = good.split(".");
    for (const token of [
      undefined,
      "",
      ".",
      "..",
      "...",
      "a.b.c",
      "null",
      good.slice(0, -1),
      `${good}.x`,
      `${good}=`,
      ` ${good}`,
      `${good}\n`,
      `${head}.${body}`,
      `${head}..${signature}`,
      `.${body}.${signature}`,
      `${head}.${body}.`,
      `${head}.e30.${signature}`,
      forge("[]", claims(), secret),
      forge({ alg: "HS256" }, "not json", secret),
      forge({ alg: "HS256" }, "[]", secret),
      forge({ alg: "HS256" }, "null", secret),
      forge({ alg: "HS256" }, { ...claims(), exp: "never" }, secret),
      forge('{"__proto__":{"alg":"HS256"}}', claims(), secret),
      "\u{1f600}".repeat(10),
      "[".repeat(8000),
    ]) {
      assert.equal((await refused(token)).code, "unauthorized", token?.slice(0, 60));
    }
  });

  it("8192 bytes are read, and one more is not", async () => {
    const bare = (await sign("HS256", secret, { pad: "" })).length;
    let pad = "x".repeat(Math.floor(((8192 - bare) * 3) / 4));
    let token = await sign("HS256", secret, { pad });
    while (token.length < 8192) token = await sign("HS256", secret, { pad: (pad += "x") });
    assert.ok(token.length <= 8193);
    if (token.length === 8192) await taken(token);
    assert.match((await refused(await sign("HS256", secret, { pad: `${pad}xxxx` }))).sentence, /longer than 8192/);
    assert.match((await refused("a".repeat(50_000_000))).sentence, /longer/);
  });

  it("no sentence holds a piece of the token", async () => {
    const marks = { sub: "MARK", iss: "MARK", aud: "MARK", MARK: 1 };
    for (const token of [
      await sign("HS256", secret, marks),
      await sign("HS256", secret, { ...marks, sub: "MARK\n", iss: ISSUER, aud: AUDIENCE }),
      forge({ alg: "MARK", kid: "MARK", crit: ["MARK"] }, marks),
    ]) {
      assert.doesNotMatch((await refused(token)).sentence, /MARK/);
    }
  });
});

describe("options", () => {
  const WRONG: [why: RegExp, options: Record<string, unknown>][] = [
    [/one of secret, publicKey and jwks/, {}],
    [/one of secret, publicKey and jwks/, { secret, publicKey: rsa.publicKey }],
    [/has 31 bytes, and HS256 needs 32/, { secret: "x".repeat(31) }],
    [/has 47 bytes, and HS256, HS384 needs 48/, { secret: "x".repeat(47), algorithms: ["HS256", "HS384"] }],
    [/needs 64/, { secret: "x".repeat(63), algorithms: ["HS512"] }],
    [/it is empty/, { secret: "" }],
    [/takes text or bytes/, { secret: 5 }],
    [/key in PEM/, { secret: pem(rsa) }],
    [/algorithms: got "RS256", takes those that go with the key/, { secret, algorithms: ["RS256"] }],
    [
      /algorithms: got "HS256", takes those that go with the key/,
      { publicKey: pem(rsa), algorithms: ["RS256", "HS256"] },
    ],
    [/algorithms: got "ES384"/, { publicKey: p256.publicKey, algorithms: ["ES384"] }],
    [/algorithms: got "HS256"/, { jwks: "https://id.example/k", audience: "a", algorithms: ["HS256"] }],
    [/algorithms: got a list of 1/, { secret, algorithms: ["none"] }],
    [/algorithms: got a list of 0/, { secret, algorithms: [] }],
    [/RSA of 2048 bits/, { publicKey: generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey }],
    [/P-256/, { publicKey: generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey }],
    [/P-256/, { publicKey: generateKeyPairSync("x25519").publicKey }],
    [/this is a private key/, { publicKey: rsa.privateKey }],
    [/this is a private key/, { publicKey: rsa.privateKey.export({ type: "pkcs8", format: "pem" }) }],
    [
      /this is a private key/,
      {
        publicKey: createPrivateKey(rsa.privateKey.export({ type: "pkcs8", format: "pem" })).export({ format: "jwk" }),
      },
    ],
    [/takes SPKI/, { publicKey: "nonsense" }],
    [/jwks needs either audience or/, { jwks: "https://id.example/k" }],
    [
      /jwks needs either audience or/,
      { jwks: "https://id.example/k", audience: "a", dangerouslyAllowAnyAudience: "why" },
    ],
    [/begins with https/, { jwks: "http://id.example/k", audience: "a" }],
    [/begins with https/, { jwks: "http://127.0.0.1.example/k", audience: "a" }],
    [/begins with https/, { jwks: "file:///etc/passwd", audience: "a", dangerouslyAllowInsecureJwks: "why" }],
    [/begins with https/, { jwks: "keys.json", audience: "a" }],
    [/password or braces/, { jwks: "https://a:b@id.example/k", audience: "a" }],
    [/password or braces/, { jwks: "https://id.example/{iss}/k", audience: "a" }],
    [/password or braces/, { jwks: "https://{tenant}.example/k", audience: "a" }],
    [/issuer: got/, { secret, issuer: [] }],
    [/audience: got ""/, { secret, audience: "" }],
    [/toleranceMs: got -1/, { secret, toleranceMs: -1 }],
    [/graceMs: got 1.5/, { secret, graceMs: 1.5 }],
    [/claims.user: got ""/, { secret, claims: { user: "" } }],
    [/dangerouslyAllowTokensWithoutExpiry: got true/, { secret, dangerouslyAllowTokensWithoutExpiry: true }],
    [/no option "audiance"/, { secret, audiance: "a" }],
  ];

  for (const [index, [why, options]] of WRONG.entries()) {
    it(`refused at the start, ${index + 1}: ${why.source}`, () => {
      assert.throws(() => jwt(options), why);
    });
  }

  it("a refusal does not show a secret", () => {
    for (const options of [
      { secret: "hunter2" },
      { secret: "hunter2", algorithms: ["RS256"] },
      { jwks: "ftp://u:hunter2@a/" },
    ]) {
      assert.throws(
        () => jwt(options as JwtOptions),
        (error: Error) => !error.message.includes("hunter2"),
      );
    }
  });

  it("https, loopback, and what is spelled out", () => {
    for (const jwks of [
      "https://id.example/k",
      new URL("https://id.example/k"),
      "http://localhost:1/k",
      "http://127.1.2.3/k",
      "http://[::1]/k",
    ]) {
      jwt({ jwks, audience: "a" });
    }
    jwt({ jwks: "http://id.internal/k", audience: "a", dangerouslyAllowInsecureJwks: "a mesh encrypts it" });
    jwt({ jwks: "https://id.example/k", dangerouslyAllowAnyAudience: "this issuer has no other application" });
  });
});
