/** Columns of a timeline that is seen from afar. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { columnLength, columnsOf } from "../../services/api/static/js/timeline-columns.js";

const LABELS = ["anger", "happiness", "neutral"];

const spansOf = (emotions, { uncertain = () => false } = {}) =>
  emotions.map((emotion, i) => ({ start: i / 2, end: (i + 1) / 2, window: { emotion, uncertain: uncertain(i) } }));

const total = (columns, emotion) =>
  columns.flatMap(({ parts }) => parts).filter(([name]) => name === emotion).reduce((sum, [, share]) => sum + share, 0);

test("spans are drawn one by one where they are wide enough", () => {
  const spans = [spansOf(["anger", "neutral"])];
  assert.equal(columnLength(spans, 100), null);
  assert.equal(columnLength(spans, 1), 4); // 4 pixels
  assert.equal(columnLength(spans, 4), 2.5); // 5 spans
  assert.equal(columnLength([[]], 1), null);
});

test("the columns keep the proportions of the whole", () => {
  const emotions = Array.from({ length: 2400 }, (_, i) => ((i * 7919) % 100 < 22 ? "neutral" : "happiness"));
  const columns = columnsOf(spansOf(emotions), LABELS, { from: 0, length: 4, count: 300 });
  const neutral = emotions.filter((emotion) => emotion === "neutral").length / emotions.length;
  assert.ok(Math.abs(total(columns, "neutral") / 300 - neutral) < 1e-9);
  for (const { parts } of columns) {
    assert.ok(Math.abs(parts.reduce((sum, [, share]) => sum + share, 0) - 1) < 1e-9);
  }
});

test("a span over several columns is shared between them; where nobody is, shares are missing", () => {
  const spans = [{ start: 1, end: 5, window: { emotion: "anger", uncertain: false } }];
  const columns = columnsOf(spans, LABELS, { from: 0, length: 2, count: 4 });
  assert.deepEqual(columns.map(({ parts }) => parts), [
    [["anger", 0.5, false]], [["anger", 1, false]], [["anger", 0.5, false]], [],
  ]);
});

test("what is uncertain is kept apart, in the order of the labels", () => {
  const spans = spansOf(["neutral", "anger", "neutral", "anger"], { uncertain: (i) => i > 1 });
  const [{ parts }] = columnsOf(spans, LABELS, { from: 0, length: 2, count: 1 });
  assert.deepEqual(parts, [["anger", 0.25, false], ["anger", 0.25, true], ["neutral", 0.25, false], ["neutral", 0.25, true]]);
});

test("a part of the timeline has what the whole has there", () => {
  const spans = spansOf(Array.from({ length: 400 }, (_, i) => LABELS[(i * 31) % 3]));
  const whole = columnsOf(spans, LABELS, { from: 0, length: 4, count: 50 });
  assert.deepEqual(columnsOf(spans, LABELS, { from: 80, length: 4, count: 10 }), whole.slice(20, 30));
});
