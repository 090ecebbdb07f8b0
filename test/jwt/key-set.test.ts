// An issuer's set of keys: rotation, cooldown, age, outages, and hostile answers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { jwt, type JwtFault, type JwtOptions, type JwtVerifier, type Verified } from "@hawser/jwt";
import { generateKeyPairSync } from "node:crypto";
import { StepClock } from "../harness/step-clock.js";
import {
  type Answer,
  AUDIENCE,
  claims,
  ed25519,
  forge,
  jwk,
  type KeyPair,
  KeyServer,
  p256,
  rsa,
  secret,
  sign,
  START_S,
  withKeys,
  withStatus,
} from "./harness/issuer.js";

const MINUTE_MS = 60_000;
const next: KeyPair = generateKeyPairSync("ec", { namedCurve: "P-256" });

interface Rig {
  readonly clock: StepClock;
  readonly server: KeyServer;
  readonly verify: JwtVerifier;
  readonly failures: string[];
}

/** A verifier of a server's keys. Tokens do not expire in it: only the clock of the set moves. */
async function withServer(answer: Answer, use: (rig: Rig) => Promise<void>, more: JwtOptions = {}): Promise<void> {
  const server = new KeyServer(answer);
  await server.listen();
  const clock = new StepClock();
  const failures: string[] = [];
  const options = { jwks: server.url, audience: AUDIENCE, onJwksFailure: (why: string) => failures.push(why), ...more };
  try {
    await use({ clock, server, failures, verify: jwt(options, { now: () => START_S * 1000, clock }) });
  } finally {
    server.close();
  }
}

function isTaken(result: Verified | JwtFault): boolean {
  return "user" in result;
}

const first = (): Promise<string> => sign("ES256", p256.privateKey, {}, { kid: "a" });
const second = (): Promise<string> => sign("ES256", next.privateKey, {}, { kid: "b" });

describe("a set of keys", () => {
  it("is fetched once for many tokens, and by one request for those at the same time", async () => {
    await withServer(withKeys(jwk(p256, "a"), jwk(rsa, "r"), jwk(ed25519, "e")), async ({ verify, server }) => {
      const tokens = [
        await first(),
        await sign("PS256", rsa.privateKey, {}, { kid: "r" }),
        await sign("EdDSA", ed25519.privateKey, {}, { kid: "e" }),
      ];
      const results = await Promise.all([...tokens, ...tokens].map((token) => verify(token)));
      assert.ok(results.every(isTaken), JSON.stringify(results));
      assert.equal(server.asked.length, 1);
    });
  });

  it("is fetched again for a key that it does not have", async () => {
    await withServer(withKeys(jwk(p256, "a")), async ({ verify, server, clock }) => {
      assert.ok(isTaken(await verify(await first())));
      server.answer = withKeys(jwk(p256, "a"), jwk(next, "b"));
      clock.advance(30_000);
      const results = await Promise.all([verify(await second()), verify(await second()), verify(await first())]);
      assert.ok(results.every(isTaken), JSON.stringify(results));
      assert.equal(server.asked.length, 2);
    });
  });

  it("unknown keys cost one fetch in 30 s; until then nobody knows, and then they are wrong", async () => {
    await withServer(withKeys(jwk(p256, "a")), async ({ verify, server, clock }) => {
      assert.ok(isTaken(await verify(await first())));
      clock.advance(10_000);
      for (let count = 0; count < 50; count++) {
        const token = forge({ alg: "ES256", kid: `../../${count}'; DROP TABLE keys` }, claims(), undefined, "AAAA");
        assert.deepEqual(await verify(token), {
          code: "unavailable",
          sentence: "the key for this token cannot be had at the moment",
          retryMs: 20_000,
        });
      }
      assert.equal(server.asked.length, 1);
      assert.ok(isTaken(await verify(await first())), "known keys are as good as before");
      clock.advance(20_000);
      assert.deepEqual(await verify(await second()), {
        code: "unauthorized",
        sentence: "the token is signed with a key that its issuer does not have",
      });
      assert.equal(server.asked.length, 2);
    });
  });

  it("the first fetch answers for a key that is not in it", async () => {
    await withServer(withKeys(jwk(p256, "a")), async ({ verify, server }) => {
      assert.equal(((await verify(await second())) as JwtFault).code, "unauthorized");
      assert.equal(server.asked.length, 1);
    });
  });

  it("a key that was withdrawn is not taken after ten minutes", async () => {
    await withServer(withKeys(jwk(p256, "a"), jwk(next, "b")), async ({ verify, server, clock }) => {
      assert.ok(isTaken(await verify(await first())));
      server.answer = withKeys(jwk(next, "b"));
      clock.advance(10 * MINUTE_MS);
      assert.ok(isTaken(await verify(await first())));
      clock.advance(1);
      assert.equal(((await verify(await first())) as JwtFault).code, "unauthorized");
      assert.ok(isTaken(await verify(await second())));
    });
  });

  it("that cannot be had makes no token wrong, even where the function that is told so throws", async () => {
    const onJwksFailure = (): never => {
      throw new Error("mine");
    };
    const use = async ({ verify }: Rig): Promise<void> => {
      assert.equal(((await verify(await first())) as JwtFault).code, "unavailable");
    };
    await withServer(withStatus(500), use, { onJwksFailure });
  });

  it("stays in use for an hour while a new one cannot be had", async () => {
    await withServer(withKeys(jwk(p256, "a")), async ({ verify, server, clock, failures }) => {
      assert.ok(isTaken(await verify(await first())));
      server.answer = withStatus(500);
      clock.advance(11 * MINUTE_MS);
      assert.ok(isTaken(await verify(await first())));
      assert.deepEqual(failures, ["it answered 500"]);
      clock.advance(49 * MINUTE_MS);
      assert.ok(isTaken(await verify(await first())));
      clock.advance(1);
      assert.equal(((await verify(await first())) as JwtFault).code, "unavailable");
      server.answer = withKeys(jwk(p256, "a"));
      clock.advance(30_000);
      assert.ok(isTaken(await verify(await first())));
    });
  });

  it("a token without kid is checked with the keys that fit, four at most", async () => {
    const others = [1, 2, 3, 4].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }));
    const bare = await sign("ES256", p256.privateKey);
    await withServer(withKeys(...others.slice(1).map((pair) => jwk(pair)), jwk(rsa), jwk(p256)), async ({ verify }) => {
      assert.ok(isTaken(await verify(bare)), "the fourth");
      assert.equal(((await verify(await sign("ES256", next.privateKey))) as JwtFault).code, "unauthorized");
      const old = await sign("ES256", p256.privateKey, { exp: START_S - 60 });
      assert.equal(((await verify(old)) as JwtFault).code, "expired");
    });
    await withServer(withKeys(...others.map((pair) => jwk(pair)), jwk(p256)), async ({ verify }) => {
      assert.equal(((await verify(bare)) as JwtFault).code, "unauthorized", "the fifth");
    });
  });

  it("keys for something else are not used: encryption, other algorithms, secrets, weak ones", async () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const oct = { kty: "oct", k: secret.toString("base64url"), kid: "s" };
    const answer = withKeys(jwk(p256, "a", { use: "enc" }), jwk(rsa, "r", { alg: "RS512" }), oct, jwk(weak, "w"));
    await withServer(answer, async ({ verify, clock }) => {
      for (const token of [
        await first(),
        await sign("RS256", rsa.privateKey, {}, { kid: "r" }),
        await sign("HS256", secret, {}, { kid: "s" }),
        forge({ alg: "RS256", kid: "w" }, claims(), undefined, "A".repeat(171)),
      ]) {
        assert.equal(((await verify(token)) as JwtFault).code, "unauthorized", token);
        clock.advance(30_000);
      }
    });
  });

  it("no URL in a token is ever asked", async () => {
    await withServer(withKeys(jwk(p256, "a")), async ({ verify, server }) => {
      const there = new URL("/evil", server.url).href;
      const header = { kid: "a", jku: there, x5u: there, jwk: jwk(next), iss: there };
      await verify(await sign("ES256", next.privateKey, { iss: there }, header));
      assert.deepEqual(server.asked, ["/keys.json"]);
    });
  });
});

describe("an issuer that cannot be asked", () => {
  const ANSWERS: Record<string, [answer: Answer, why: RegExp]> = {
    "a 500": [withStatus(500), /^it answered 500$/],
    "a redirect": [
      (_request, response) => response.writeHead(302, { Location: "/elsewhere" }).end(),
      /^it answered 302$/,
    ],
    "a 204": [(_request, response) => response.writeHead(204).end(), /^it answered 204$/],
    "no JSON": [(_request, response) => response.end("<html>"), /not JSON/],
    "JSON that is no set of keys": [(_request, response) => response.end('{"keys":7}'), /JSON Web Key Set/],
    null: [(_request, response) => response.end("null"), /./],
    "a cut connection": [(request) => request.socket.destroy(), /^fetch failed: /],
    "a body without end": [
      (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write("x".repeat(65_536)));
        };
        response.on("drain", more);
        more();
      },
      /more than 524288 bytes/,
    ],
  };

  for (const [name, [answer, why]] of Object.entries(ANSWERS)) {
    it(`${name}: unavailable, with a time to come back`, async () => {
      await withServer(answer, async ({ verify, server, failures }) => {
        assert.deepEqual(await verify(await first()), {
          code: "unavailable",
          sentence: "the key for this token cannot be had at the moment",
          retryMs: 1000,
        });
        assert.equal(failures.length, 1);
        assert.match(failures[0]!, why);
        assert.deepEqual(server.asked, ["/keys.json"]);
      });
    });
  }

  it("an answer that takes too long, before it begins and after", async () => {
    const begun: Answer = (_request, response) => void response.write('{"keys":');
    for (const answer of [() => {}, begun]) {
      await withServer(
        answer,
        async ({ verify, failures }) => {
          assert.equal(((await verify(await first())) as JwtFault).code, "unavailable");
          assert.match(failures[0]!, /timeout/);
        },
        { jwksTimeoutMs: 50 },
      );
    }
  });

  it("is asked again after 1, 2, 4, 8, 16 and then each 30 s, and answers count from anew", async () => {
    await withServer(withStatus(503), async ({ verify, server, clock }) => {
      const waits: (number | undefined)[] = [];
      for (let count = 0; count < 7; count++) {
        const { retryMs } = (await verify(await first())) as JwtFault;
        waits.push(retryMs);
        assert.equal(server.asked.length, count + 1);
        clock.advance(retryMs! - 1);
        await verify(await first());
        assert.equal(server.asked.length, count + 1, "not before");
        clock.advance(1);
      }
      assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
      server.answer = withKeys(jwk(p256, "a"));
      assert.ok(isTaken(await verify(await first())));
      server.answer = withStatus(503);
      clock.advance(61 * MINUTE_MS);
      assert.equal(((await verify(await first())) as JwtFault).retryMs, 1000);
    });
  });

  it("an algorithm that is not taken does not even ask", async () => {
    await withServer(withStatus(500), async ({ verify, server }) => {
      assert.equal(
        ((await verify(forge({ alg: "HS256", kid: "a" }, claims(), secret))) as JwtFault).code,
        "unauthorized",
      );
      assert.deepEqual(server.asked, []);
    });
  });
});
