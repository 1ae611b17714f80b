/** Stored records of the list, and the names of its rows. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { distinctNames, MAX_RECORDS, mergeRecords, readRecord, recordOf } from "../../../services/api/static/js/jobs/records.js";

const record = (number, more = {}) => ({ key: `k${number}`, id: `j${number}`, name: `${number}.mp4`, added: number, ...more });

test("a hundred records are kept, the newest first", () => {
  const own = Array.from({ length: 100 }, (_, i) => record(i));
  const kept = mergeRecords(own, [], new Set());
  assert.deepEqual(kept.map(({ added }) => added), own.map(({ added }) => added).reverse());
});

test("beyond MAX_RECORDS the oldest record is dropped", () => {
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

test("a stored record keeps the reason of a failure", () => {
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
