/** What the list of videos keeps, how it names rows, and what it says of the time left. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { distinctNames, mergeRecords, MAX_RECORDS, readRecord, recordOf } from "../../services/api/static/js/jobs/records.js";
import { limitConcurrency } from "../../services/api/static/js/common/concurrency.js";
import { MAX_LANES, previewOf, windowsOf } from "../../services/api/static/js/jobs/preview-data.js";
import { timeLeft } from "../../services/api/static/js/jobs/time-left.js";

const record = (number, more = {}) => ({ key: `k${number}`, id: `j${number}`, name: `${number}.mp4`, added: number, ...more });

test("a hundred records are kept, the newest first", () => {
  const own = Array.from({ length: 100 }, (_, i) => record(i));
  const kept = mergeRecords(own, [], new Set());
  assert.deepEqual(kept.map(({ added }) => added), own.map(({ added }) => added).reverse());
});

test("beyond the bound the oldest record falls", () => {
  const own = Array.from({ length: MAX_RECORDS + 1 }, (_, i) => record(i));
  const kept = mergeRecords(own, [], new Set());
  assert.equal(kept.length, MAX_RECORDS);
  assert.ok(!kept.some(({ added }) => added === 0));
});

test("records of other tabs stay unless they were removed here, and one job is one record", () => {
  const stored = [record(1), record(2), { ...record(3), key: "j3" }];
  const kept = mergeRecords([record(3)], stored, new Set(["j2"]));
  assert.deepEqual(kept.map(({ key }) => key), ["k3", "k1"]);
});

test("a record keeps the reason of a failure, and comes back as it was", () => {
  const error = Object.assign(new Error("larger than 500 MB"), { code: "too_large", title: "The upload is too large", status: 413 });
  const entry = { key: "k", id: null, name: "a.mp4", added: 5, state: "failed", error, file: {}, controller: {}, progress: 0.5 };
  const text = JSON.stringify(recordOf(entry));
  assert.deepEqual(readRecord(JSON.parse(text)), {
    key: "k", id: null, name: "a.mp4", added: 5, state: "failed",
    error: { code: "too_large", title: "The upload is too large", status: 413, detail: "larger than 500 MB" },
  });
});

test("records of earlier versions are read, and anything else is left out", () => {
  assert.deepEqual(readRecord({ id: "j", name: "a.mp4", added: 1 }), { key: "j", id: "j", name: "a.mp4", added: 1, state: "queued" });
  for (const other of [null, 5, "text", {}, { id: "j" }, { name: "a.mp4" }]) assert.equal(readRecord(other), null);
});

test("entries of one name are counted in the order in which they were added", () => {
  const entries = [{ key: "c", name: "a.mp4", added: 3 }, { key: "a", name: "a.mp4", added: 1 }, { key: "b", name: "b.mp4", added: 2 }];
  assert.deepEqual(Object.fromEntries(distinctNames(entries)), { a: "a.mp4", b: "b.mp4", c: "a.mp4 (2)" });
});

test("the time left is the server's own figure", () => {
  assert.equal(timeLeft({ progress: 0.5, work: { time_left_s: 7 }, started_at: "2026-01-01T00:00:00Z" }, NaN), 7);
});

test("without that figure it follows from the beginning of the job and its progress, by the server's clock", () => {
  const started = "2026-01-01T00:00:00Z";
  assert.equal(timeLeft({ progress: 0.25, started_at: started }, Date.parse(started) + 10_000), 30);
});

test("no time is given too early, without progress, or before the job has started", () => {
  const now = Date.now();
  const started = new Date(now - 1000).toISOString();
  assert.equal(timeLeft({ progress: 0.01, work: { time_left_s: 7 } }, now), null);
  assert.equal(timeLeft({ progress: null, started_at: started }, now), null);
  assert.equal(timeLeft({ progress: 0.5, started_at: null }, now), null);
  assert.equal(timeLeft({ progress: 0.5, started_at: new Date(now + 5000).toISOString() }, now), null);
});

const windows = (face, count) =>
  Array.from({ length: count }, (_, i) => ({ face_id: face, start_s: i, end_s: i + 1, emotion: i % 10 ? "anger" : "fear", confidence: 0.5 }));

test("a short result is previewed window by window", () => {
  const preview = previewOf(windows(1, 20), 20);
  assert.deepEqual(windowsOf(preview), windows(1, 20));
});

test("a long result with many faces is previewed in few bars that cover its whole length", () => {
  const preview = previewOf(Array.from({ length: 10 }, (_, i) => windows(i + 1, 10_000)).flat(), 10_000);
  assert.ok(preview.bars.length <= MAX_LANES * 100);
  const first = windowsOf(preview).filter(({ face_id: id }) => id === 1);
  assert.equal(first[0].start_s, 0);
  assert.equal(first.at(-1).end_s, 10_000);
  assert.ok(first.every(({ emotion, confidence }) => emotion === "anger" && confidence === 0.5));
});

test("at most so many pieces of work run at a time, all in order, whatever fails", async () => {
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
