import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ConnectionEvent, type ConnectionState, transitions } from "#hawser/protocol/states.js";

/** RFC 6455 section 7, written out once more: "-" is what cannot happen. */
const TABLE = `
                  closeSent   closeReceived   failed
  open            closing     closed          closed
  closing         -           closed          closed
  closed          -           -               -
`;

describe("transitions", () => {
  const [events = [], ...rows] = TABLE.trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));

  it("has these states and no other", () => {
    assert.deepEqual(
      Object.keys(transitions),
      rows.map(([state]) => state),
    );
  });

  for (const [state, ...nexts] of rows) {
    it(`leads from ${state} where the table says`, () => {
      const expected = events
        .map((event, column) => [event, nexts[column]] as const)
        .filter(([, next]) => next !== "-");
      assert.deepEqual(transitions[state as ConnectionState], Object.fromEntries(expected));
    });
  }

  it("ends in closed after at most two events, from which nothing leads away", () => {
    const walk = (state: ConnectionState, path: ConnectionEvent[]): void => {
      const ways = Object.entries(transitions[state]) as Array<[ConnectionEvent, ConnectionState]>;
      assert.ok(path.length <= 2, `${path.join(", ")}: still ${state}`);
      if (ways.length === 0) assert.equal(state, "closed", path.join(", "));
      for (const [event, next] of ways) walk(next, [...path, event]);
    };
    walk("open", []);
  });
});
