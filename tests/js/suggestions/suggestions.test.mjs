/** Which faces may be the same person, from place, size, time and takes. */

import assert from "node:assert/strict";
import { test } from "node:test";

const { suggestions } = await import("../../../services/api/static/js/suggestions/suggestions.js");

/** A face at a fixed box, ten positions a second, visible in each of `times`. */
const face = (id, box, ...times) => {
  const positions = times.flatMap(([start, end]) =>
    Array.from({ length: Math.round((end - start) * 10) + 1 }, (_, i) => ({ time_s: start + i / 10, box })));
  return { face_id: id, excluded: false, start_s: positions[0].time_s, end_s: positions.at(-1).time_s, positions, windows: [] };
};
const LEFT = [100, 100, 80, 100];
const RIGHT = [400, 100, 80, 100];
const pairs = (...faces) => suggestions(faces).map(({ face_id: id, into, kind }) => [id, into, kind]);

test("a face that appears where another was lost a moment ago may be the same", () => {
  assert.deepEqual(pairs(face(1, LEFT, [0, 5]), face(2, LEFT, [5.6, 9])), [[2, 1, "next"]]);
});

test("one at another place, of another size, or long after, is not suggested", () => {
  const other = face(3, RIGHT, [0, 20]); // visible all the time, so that there is no cut
  assert.deepEqual(pairs(face(1, LEFT, [0, 5]), face(2, RIGHT, [5.6, 9])), []);
  assert.deepEqual(pairs(face(1, LEFT, [0, 5]), face(2, [60, 50, 160, 200], [5.6, 9])), []);
  assert.deepEqual(pairs(face(1, LEFT, [0, 5]), face(2, LEFT, [12, 19]), other), []);
});

test("faces that are visible at once are never suggested", () => {
  assert.deepEqual(pairs(face(1, LEFT, [0, 5], [8, 9]), face(2, LEFT, [5.6, 9])), []);
});

test("in a dialogue of two takes, each speaker returns to the same place", () => {
  const faces = [face(1, LEFT, [0, 4]), face(2, RIGHT, [4.2, 8]), face(3, LEFT, [8.2, 12]), face(4, RIGHT, [12.2, 15])];
  assert.deepEqual(pairs(...faces).sort(), [[3, 1, "take"], [4, 2, "take"]]);
});

test("a face that is excluded is not suggested", () => {
  assert.deepEqual(pairs(face(1, LEFT, [0, 5]), { ...face(2, LEFT, [5.6, 9]), excluded: true }), []);
});

test("of several that appear, the nearest continues a face", () => {
  assert.deepEqual(pairs(face(1, LEFT, [0, 5]), face(2, [110, 100, 80, 100], [5.5, 8]), face(3, [130, 100, 80, 100], [5.5, 8])), [[2, 1, "next"]]);
});

test("a joined face is continued where its part ends, and keeps the id of the one seen first", () => {
  assert.deepEqual(pairs(face(1, LEFT, [0, 2], [20, 22]), face(2, LEFT, [2.5, 6])), [[2, 1, "next"]]);
});

test("an hour of twenty faces takes less than a tenth of a second", () => {
  const faces = Array.from({ length: 20 }, (_, i) =>
    face(i + 1, [20 + 30 * i, 50, 20, 20], ...Array.from({ length: 30 }, (__, k) => [k * 120 + i, k * 120 + 100])));
  suggestions(faces);
  const before = process.cpuUsage().user;
  suggestions(faces.map((one) => ({ ...one })));
  assert.ok(process.cpuUsage(undefined).user - before < 100_000);
});

test("the parts of a face that a person split are not suggested", () => {
  const faces = [face(1, LEFT, [0, 5]), face(2, LEFT, [5.1, 9])];
  assert.equal(suggestions(faces).length, 1);
  assert.deepEqual(suggestions(faces, [[1, 2]]), []);
});
