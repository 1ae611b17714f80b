/** What the live page says of the resting face, by the messages of the session. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { relativeFace, RestingFace } from "../../../services/api/static/js/camera/resting-face.js";

const result = (...faces) => ({ type: "result", faces, warnings: [] });
const plain = { face_id: 1, baseline: null, emotion: "anger", confidence: 0.6, uncertain: false, relative: null };
const relative = { emotion: "neutral", confidence: 0.9, probabilities: { neutral: 0.9 }, uncertain: false };
const known = { ...plain, baseline: { source: "span", spans: [[0, 3]], windows: 4 }, relative };

const taking = () => {
  const resting = new RestingFace();
  resting.begin(1000);
  return resting;
};

test("the seconds that are left are counted", () => {
  assert.deepEqual([1000, 1001, 2500, 4000, 9000].map((now) => taking().left(now)), [3, 3, 2, 0, 0]);
});

test("it is known once a face has it", () => {
  const resting = taking();
  assert.equal(resting.take(result(plain), 2000), false);
  assert.equal(resting.take(result(known), 4100), true);
  assert.deepEqual([resting.state, resting.faceId, resting.expressive], ["known", 1, false]);
});

test("a resting face with an emotion is known as such", () => {
  const resting = taking();
  resting.take({ ...result(known), warnings: [{ code: "baseline_expressive", detail: "" }] }, 4100);
  assert.ok(resting.expressive);
});

test("a refusal has its code, and other errors are none", () => {
  const resting = taking();
  assert.equal(resting.take({ type: "error", code: "not_a_picture" }, 2000), false);
  assert.equal(resting.take({ type: "error", code: "baseline_speaking" }, 4100), true);
  assert.deepEqual([resting.state, resting.code], ["refused", "baseline_speaking"]);
  assert.equal(resting.take({ type: "error", code: "baseline_no_face" }, 4200), false);
});

test("without a result it is lost, also where the face of another visit had one", () => {
  const resting = taking();
  assert.equal(resting.take(result(plain), 8999), false);
  assert.equal(resting.take(result(plain), 9001), true);
  assert.deepEqual([resting.state, resting.code], ["refused", "lost"]);
});

test("a face that leaves takes it along, and one of another id has none", () => {
  const resting = taking();
  resting.take(result(known), 4100);
  assert.equal(resting.take(result(), 4200), false); // looking away for a moment is not leaving
  assert.equal(resting.take(result({ ...plain, face_id: 2 }), 4300), true);
  assert.equal(resting.state, "away");
});

test("the relative prediction takes the place of the one without a baseline where there is one", () => {
  assert.deepEqual(relativeFace(known), { ...known, ...relative });
  assert.equal(relativeFace(plain), plain);
});
