/** Where a face is at a moment: the same answers as shared/exports/moments.py gives. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { boxAt } from "../../services/api/static/js/timeline/timebase.js";

const at = (...times) => ({ positions: times.map((time) => ({ time_s: time, box: [time, 0, 10, 10] })) });

test("a box moves evenly between frames and goes with the face", () => {
  const face = at(1, 1.2, 3);
  assert.ok(Math.abs(boxAt(face, 1.1)[0] - 1.1) < 1e-9);
  assert.equal(boxAt(at(1, 1.1, 1.2, 3), 2), null);
});

test("a box of a slow video stands until the next one", () => {
  const face = at(0, 10, 20, 50, 60);
  const left = [0, 9.9, 10, 31.9, 32.1, 71, 73].map((time) => boxAt(face, time)?.[0] ?? null);
  assert.deepEqual(left, [0, 0, 10, 20, null, 60, null]);
});
