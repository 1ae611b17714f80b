/** What the page of a result shows: predictions without a baseline, or those relative to the baselines of the faces. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { setFaces, viewOf } from "../../../services/api/static/js/result/view.js";

const relative = { emotion: "neutral", confidence: 0.9, probabilities: { neutral: 0.9 }, uncertain: false };
const plain = { start_s: 0, end_s: 0.9, emotion: "anger", confidence: 0.6, probabilities: { anger: 0.6 }, uncertain: true, flags: ["dark"] };
const resting = { face_id: 1, baseline: { source: "auto", spans: [[0, 2]], windows: 4 }, windows: [{ ...plain, relative }, { ...plain, relative: null }] };
const unknown = { face_id: 2, baseline: null, windows: [{ ...plain, relative: null }] };

test("the predictions without a baseline are shown as they are", () => {
  const view = viewOf({}, {});
  setFaces(view, [resting, unknown]);
  assert.deepEqual(view.result.faces, [resting, unknown]);
  assert.equal(view.spans.get(1)[0].window, resting.windows[0]);
});

test("relative predictions take the place of the others where a face has a baseline", () => {
  const view = { ...viewOf({}, {}), relative: true };
  setFaces(view, [resting, unknown]);
  const [shown, other] = view.result.faces;
  assert.deepEqual(shown.windows[0], { ...plain, ...relative, relative });
  assert.deepEqual(shown.windows[1], { ...plain, relative: null });
  assert.equal(view.spans.get(1)[0].window.emotion, "neutral");
  assert.equal(other, unknown);
});

test("a face that an edit leaves as it is stays the same object, so that it is not drawn anew", () => {
  const view = { ...viewOf({}, {}), relative: true };
  setFaces(view, [resting]);
  const [first] = view.result.faces;
  setFaces(view, [resting, unknown]);
  assert.equal(view.result.faces[0], first);
});
