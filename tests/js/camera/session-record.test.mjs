/** What a live session has found, as a result. */

import assert from "node:assert/strict";
import { test } from "node:test";

const { overall, SessionRecord } = await import("../../../services/api/static/js/camera/session-record.js");

const MODEL = { name: "m", labels: ["happiness", "neutral"], temperatures: { window: 2, face: 1 } };
const window = (start, happiness = 0.8) => ({
  start_s: start, end_s: start + 0.9, emotion: "happiness", confidence: happiness, probabilities: { happiness, neutral: 1 - happiness }, uncertain: false, flags: [],
});
const position = (time) => ({ time_s: time, box: [1, 2, 3, 4], score: 0.9 });
const result = (captured, faces) => ({ type: "result", captured_at: captured, width: 640, height: 480, faces });
const ABOUT = { ended: 10_000, sha256: null, name: null };

test("times count from the start of the recording", () => {
  const record = new SessionRecord(4000);
  record.take({ type: "session.created", model: MODEL });
  record.take(result(5, [{ face_id: 1, windows: [], positions: [position(0)] }])); // one second after the recording began
  record.take(result(6, [{ face_id: 1, windows: [window(0)], positions: [position(1)] }]));
  record.take({ type: "session.closed", faces: [{ face_id: 1, windows: [window(0.5)], positions: [] }] });
  const { video, faces: [face] } = record.result(ABOUT);
  assert.deepEqual(face.positions.map(({ time_s: time }) => time), [1, 2]);
  assert.deepEqual(face.windows.map(({ start_s: start }) => start), [1, 1.5]);
  assert.deepEqual([face.start_s, face.end_s, video.duration_s, video.width, video.frames_analysed], [1, 2, 6, 640, 2]);
});

test("a session that reconnects adds other faces, behind the earlier ones", () => {
  const record = new SessionRecord(0);
  for (const captured of [1, 5]) {
    record.take({ type: "session.created", model: MODEL });
    record.take(result(captured, [{ face_id: 1, windows: [window(0)], positions: [position(0)] }]));
  }
  const { faces } = record.result(ABOUT);
  assert.deepEqual(faces.map(({ face_id: id, start_s: start }) => [id, start]), [[1, 1], [2, 5]]);
});

test("no negative time, no position twice, and no face without a window", () => {
  const record = new SessionRecord(2000);
  record.take({ type: "session.created", model: MODEL });
  record.take(result(1.95, [{ face_id: 1, windows: [window(0)], positions: [position(0), position(0.02)] }]));
  record.take(result(3, [{ face_id: 2, windows: [], positions: [position(1)] }]));
  const { faces } = record.result(ABOUT);
  assert.equal(faces.length, 1);
  assert.deepEqual(faces[0].positions.map(({ time_s: time }) => time), [0]);
});

test("without a window there is no result", () => {
  const record = new SessionRecord(0);
  record.take({ type: "session.created", model: MODEL });
  record.take(result(1, [{ face_id: 1, windows: [], positions: [position(0)] }]));
  assert.equal(record.result(ABOUT), null);
});

test("the probabilities of a face are the softmax of the mean logits, at the temperature of faces", () => {
  const shares = overall([window(0, 0.8), window(1, 0.6)], MODEL);
  const odds = ((0.8 / 0.2) * (0.6 / 0.4)) ** (2 / 2); // half of both logarithms, times the ratio of the temperatures
  assert.ok(Math.abs(shares.happiness - odds / (1 + odds)) < 1e-4);
  assert.equal(shares.happiness + shares.neutral, 1);
});
