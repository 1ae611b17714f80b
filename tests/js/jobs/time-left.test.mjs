/** The time left of a running job. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { timeLeft } from "../../../services/api/static/js/jobs/time-left.js";

test("the server's estimate of the time left is used where there is one", () => {
  assert.equal(timeLeft({ progress: 0.5, work: { time_left_s: 7 }, started_at: "2026-01-01T00:00:00Z" }, NaN), 7);
});

test("without the server's estimate the time left follows from the beginning of the job and its progress, by the server's clock", () => {
  const started = "2026-01-01T00:00:00Z";
  assert.equal(timeLeft({ progress: 0.25, started_at: started }, Date.parse(started) + 10_000), 30);
});

test("no time left is given too early, without progress, or before the job has started", () => {
  const now = Date.now();
  const started = new Date(now - 1000).toISOString();
  assert.equal(timeLeft({ progress: 0.01, work: { time_left_s: 7 } }, now), null);
  assert.equal(timeLeft({ progress: null, started_at: started }, now), null);
  assert.equal(timeLeft({ progress: 0.5, started_at: null }, now), null);
  assert.equal(timeLeft({ progress: 0.5, started_at: new Date(now + 5000).toISOString() }, now), null);
});
