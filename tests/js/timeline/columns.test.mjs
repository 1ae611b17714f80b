/** Columns of a timeline that is seen from afar. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { columnLength, Columns, joined, meanLength } from "../../../services/api/static/js/timeline/columns.js";

const LABELS = ["anger", "happiness", "neutral"];

const spansOf = (emotions, { uncertain = () => false } = {}) =>
  emotions.map((emotion, i) => ({ start: i / 2, end: (i + 1) / 2, window: { emotion, uncertain: uncertain(i) } }));

const columnsOf = (spans, length) => {
  const columns = new Columns(spans, LABELS, length);
  return Array.from({ length: columns.count }, (_, i) => columns.at(i * length).parts);
};

const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-5, `${found} is not ${wanted}`);

test("spans are drawn one by one where they are wide enough", () => {
  const mean = meanLength([spansOf(["anger", "neutral"]), spansOf(["anger"])]);
  assert.equal(mean, 0.5);
  assert.equal(columnLength(mean, 100), null);
  assert.equal(columnLength(mean, 1), 15); // at least 12 pixels
  assert.equal(columnLength(mean, 4), 5);
  assert.equal(columnLength(mean, 0.3), 60); // an hour on a desktop: a band each minute
  assert.equal(columnLength(0.1, 100, true), 1); // at least 5 spans
  assert.equal(columnLength(meanLength([[]]), 1), null);
});

test("the columns keep the proportions of the whole", () => {
  const emotions = Array.from({ length: 2400 }, (_, i) => ((i * 7919) % 100 < 22 ? "neutral" : "happiness"));
  const columns = columnsOf(spansOf(emotions), 4);
  assert.equal(columns.length, 300);
  const neutral = emotions.filter((emotion) => emotion === "neutral").length / emotions.length;
  near(columns.flat().filter(([name]) => name === "neutral").reduce((sum, [, share]) => sum + share, 0) / 300, neutral);
  for (const parts of columns) near(parts.reduce((sum, [, share]) => sum + share, 0), 1);
});

test("a span over several columns is shared between them; columns without spans have no shares", () => {
  const spans = [{ start: 3, end: 7, window: { emotion: "anger", uncertain: false } }];
  assert.deepEqual(columnsOf(spans, 2), [[], [["anger", 0.5, false]], [["anger", 1, false]], [["anger", 0.5, false]]]);
});

test("uncertain shares are separate and follow the certain ones", () => {
  const spans = spansOf(["neutral", "anger", "neutral", "anger"], { uncertain: (i) => i > 1 });
  assert.deepEqual(columnsOf(spans, 2), [
    [["anger", 0.25, false], ["neutral", 0.25, false], ["anger", 0.25, true], ["neutral", 0.25, true]],
  ]);
});

test("a column is found by its time, and there is none before the first and after the last", () => {
  const columns = new Columns(spansOf(["anger", "neutral"]), LABELS, 0.5);
  assert.deepEqual(columns.at(0.7), { start: 0.5, end: 1, parts: [["neutral", 1, false]] });
  assert.deepEqual([columns.at(-1).parts, columns.at(5).parts], [[], []]);
});

test("the columns of many short faces are as high as the most faces at once, not as all of them", () => {
  const shortFace = (start, emotion, uncertain = false) => new Columns([{ start, end: start + 10, window: { emotion, uncertain } }], LABELS, 10);
  const faces = Array.from({ length: 500 }, (_, i) => shortFace(i * 10, "anger"));
  const bands = joined([...faces, shortFace(0, "happiness", true)], LABELS);
  assert.equal(bands.length, 500);
  assert.deepEqual(bands[0].map(({ emotion, uncertain, height }) => [emotion, uncertain, height]), [["anger", false, 0.5], ["happiness", true, 0.5]]);
  assert.deepEqual(bands[499], [{ emotion: "anger", uncertain: false, height: 0.5 }]);
  assert.equal(joined([], LABELS).length, 0);
});

test("half a column of a single face has half the height", () => {
  const [[part]] = joined([new Columns([{ start: 0, end: 5, window: { emotion: "anger", uncertain: false } }], LABELS, 10)], LABELS);
  assert.equal(part.height, 0.5);
});
