/** Previews of results. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { facesLeftOut, MAX_LANES, previewOf, windowsOf } from "../../../services/api/static/js/jobs/preview-data.js";

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

test("faces beyond the lanes of a preview are counted, from the windows or from the result", () => {
  const many = (count) => Array.from({ length: count }, (_, i) => ({ face_id: i + 1 }));
  assert.equal(facesLeftOut(many(MAX_LANES)), 0);
  assert.equal(facesLeftOut(many(MAX_LANES + 3)), 3);
  assert.equal(facesLeftOut(many(MAX_LANES), MAX_LANES + 1), 1);
  assert.equal(facesLeftOut(many(2), 9), 0); // the others have no windows
});
