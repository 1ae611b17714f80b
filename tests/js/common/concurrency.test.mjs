/** Limited concurrency. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { limitConcurrency } from "../../../services/api/static/js/common/concurrency.js";

test("no more calls than the limit run at a time, and all start in order even after a failure", async () => {
  const limited = limitConcurrency(2);
  const begun = [];
  let running = 0;
  const work = (i) => limited(async () => {
    begun.push(i);
    running += 1;
    assert.ok(running <= 2);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
    if (i === 1) throw new Error("failed");
  });
  const ends = await Promise.allSettled(Array.from({ length: 9 }, (_, i) => work(i)));
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(ends.filter(({ status }) => status === "rejected").length, 1);
});
