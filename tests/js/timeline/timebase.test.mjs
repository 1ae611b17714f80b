/** Boxes and windows at a moment, by the same rules as shared/exports/moments.py and spans.py. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { adjacentStart, boxAt, byTalking, isTalking, lastBefore, sharesOf, spansOf, uncertainShare, windowAt } from "../../../services/api/static/js/timeline/timebase.js";

const at = (...times) => ({ positions: times.map((time) => ({ time_s: time, box: [time, 0, 10, 10] })) });
const window = (start, end, emotion = "fear", uncertain = false) => ({ start_s: start, end_s: end, emotion, uncertain });
const bounds = (spans) => spans.map(({ start, end }) => [start, end]);

test("a box is interpolated between frames, and there is none while the face is away", () => {
  const face = at(1, 1.2, 3);
  assert.ok(Math.abs(boxAt(face, 1.1)[0] - 1.1) < 1e-9);
  assert.equal(boxAt(at(1, 1.1, 1.2, 3), 2), null);
});

test("a box of a slow video stays until the next one", () => {
  const face = at(0, 10, 20, 50, 60);
  const left = [0, 9.9, 10, 31.9, 32.1, 71, 73].map((time) => boxAt(face, time)?.[0] ?? null);
  assert.deepEqual(left, [0, 0, 10, 20, null, 60, null]);
});

test("lastBefore finds the last element at or before a time, or -1", () => {
  const list = [{ start: 0 }, { start: 1 }, { start: 1 }, { start: 4 }];
  assert.deepEqual([-0.1, 0, 1, 3.9, 9].map((time) => lastBefore(list, "start", time)), [-1, 0, 2, 2, 3]);
  assert.equal(lastBefore([], "start", 1), -1);
});

test("overlapping windows become spans that meet between their middles", () => {
  assert.deepEqual(bounds(spansOf({ windows: [window(0, 1), window(0.5, 1.5), window(1, 2)] })), [[0, 0.75], [0.75, 1.25], [1.25, 2]]);
});

test("windows that do not touch have a gap between their spans", () => {
  const spans = spansOf({ windows: [window(0, 1), window(2, 3)] });
  assert.deepEqual(bounds(spans), [[0, 1], [2, 3]]);
  assert.equal(windowAt(spans, 1.5), null);
  assert.equal(windowAt(spans, 2.5).start_s, 2);
});

test("a window stays for one analysed frame after its end, and there is none before the first", () => {
  const spans = spansOf({ windows: [window(1, 2)] });
  assert.deepEqual([0.9, 1, 2.1, 2.2].map((time) => windowAt(spans, time) !== null), [false, true, true, false]);
});

test("the adjacent start is the next one, or the one before the current span's own", () => {
  const spans = [{ start: 0 }, { start: 1 }, { start: 2 }];
  assert.equal(adjacentStart(spans, 1, 1), 2);
  assert.equal(adjacentStart(spans, 2.5, 1), undefined);
  assert.equal(adjacentStart(spans, 1.5, -1), 1);
  assert.equal(adjacentStart(spans, 1, -1), 0);
  assert.equal(adjacentStart(spans, 0, -1), undefined);
});

test("shares of emotions leave out uncertain time, so that all shares and the uncertain one sum to 1", () => {
  const spans = spansOf({ windows: [window(0, 1, "fear"), window(1, 2, "anger", true), window(2, 4, "anger")] });
  const shares = sharesOf(spans);
  assert.equal(shares[0][0], "anger");
  assert.ok(Math.abs(shares.reduce((sum, [, share]) => sum + share, 0) + uncertainShare(spans) - 1) < 1e-9);
  assert.equal(uncertainShare([]), 0);
});

test("spans are split by talking, and those without the measure count for neither", () => {
  const speaking = [0.1, 0.9, 0.5, null];
  const spans = speaking.map((value, i) => ({ start: i, end: i + 1, window: { ...window(i, i + 1), speaking: value } }));
  assert.deepEqual(byTalking(spans).map(({ talking, share, spans: part }) => [talking, Math.round(share * 100), part.length]), [[true, 67, 2], [false, 33, 1]]);
  assert.deepEqual(byTalking([{ start: 0, end: 1, window: window(0, 1) }]), []);
  assert.equal(isTalking(window(0, 1)), false);
});
