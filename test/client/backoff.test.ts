import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "#client/backoff.js";

test("mattermost-webapp#10960, novu#5321, streamlit#15902: a fleet that lost its server long ago does not come back together: the delays fill the whole range", () => {
  const delays = Array.from({ length: 10_000 }, () => backoff(30, Math.random));
  for (let second = 0; second < 20; second++) {
    const share = delays.filter((delay) => delay >= second * 1_000 && delay < (second + 1) * 1_000).length;
    // 500 are expected in each; 6 standard deviations are 131.
    assert.ok(share > 350 && share < 650, `${share} in second ${second}`);
  }
});

test("the range doubles from 1 s, and ends at 20 s, however long it lasts", () => {
  const most = [0, 1, 2, 3, 4, 5, 6, 1_000, 2_000].map((failures) => backoff(failures, () => 1));
  assert.deepEqual(most, [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000, 20_000]);
});
