/** Tags of boxes: against their own box, away from all others. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { layoutTags, meet } from "../../../services/api/static/js/overlay/tag-layout.js";

const AREA = { width: 800, height: 450 };
const SIZE = { full: { width: 160, height: 24 }, small: { width: 36, height: 20 } };

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function scene(seed) {
  const next = random(seed);
  const count = 1 + Math.floor(next() * 20);
  return Array.from({ length: count }, () => {
    const width = 15 + next() * 140;
    return { left: next() * (AREA.width + 60) - 60, top: next() * (AREA.height + 60) - 60, width, height: width * (1 + next() / 2) };
  });
}

const layout = (boxes, area = AREA) => layoutTags(boxes, boxes.map(() => SIZE), area);
const box = (left, top, width = 60, height = 80) => ({ left, top, width, height });
const contains = (outer, inner) =>
  inner.left >= outer.left - 1e-6 && inner.top >= outer.top - 1e-6 &&
  inner.left + inner.width <= outer.left + outer.width + 1e-6 && inner.top + inner.height <= outer.top + outer.height + 1e-6;

test("a face alone has its full tag above its box", () => {
  assert.deepEqual(layout([box(100, 100)]), [{ left: 100, top: 76, width: 160, height: 24, small: false }]);
});

test("at the top of the picture the tag is below, at the right edge it is moved inside", () => {
  assert.deepEqual(layout([box(100, 5)])[0].top, 85);
  assert.deepEqual(layout([box(760, 100, 30)])[0], { left: 640, top: 76, width: 160, height: 24, small: false });
});

test("over random boxes, tags are inside the picture, touch their own box and no other tag", () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const boxes = scene(seed);
    const tags = layout(boxes);
    tags.forEach((tag, i) => {
      if (!tag) return;
      assert.ok(contains({ left: 0, top: 0, ...AREA }, tag), `seed ${seed}: tag ${i} leaves the picture`);
      assert.ok(meet(tag, boxes[i]), `seed ${seed}: tag ${i} is away from its box`);
      tags.forEach((other, k) => assert.ok(k === i || !other || !meet(tag, other), `seed ${seed}: tags ${i} and ${k} meet`));
    });
  }
});

test("over random boxes, only a small tag within its own box may touch another box", () => {
  let crowded = 0;
  for (let seed = 0; seed < 500; seed += 1) {
    const boxes = scene(seed);
    layout(boxes).forEach((tag, i) => {
      if (!tag || boxes.every((other, k) => k === i || !meet(tag, other))) return;
      crowded += 1;
      assert.ok(tag.small && meet(tag, boxes[i]), `seed ${seed}: tag ${i} touches another box`);
    });
  }
  assert.ok(crowded > 0, "no scene was that crowded");
});

test("a full tag never takes the only place of another face", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const boxes = scene(seed);
    const small = layoutTags(boxes, boxes.map(() => ({ ...SIZE, full: { width: 9999, height: 9999 } })), AREA);
    layout(boxes).forEach((tag, i) => assert.equal(tag === null, small[i] === null, `seed ${seed}: face ${i}`));
  }
});

test("with room for all, every tag is full and covers no face", () => {
  const boxes = [0, 1, 2, 3].map((i) => box(20 + 200 * i, 200));
  for (const tag of layout(boxes)) {
    assert.equal(tag.small, false);
    assert.ok(boxes.every((face) => tag.top + tag.height <= face.top));
  }
});

test("heads side by side keep a tag each, above, below or beside", () => {
  const boxes = [box(100, 100), box(170, 110), box(240, 95), box(310, 105)];
  const tags = layout(boxes);
  tags.forEach((tag, i) => boxes.forEach((face, k) => assert.equal(meet(tag, face), i === k)));
});

test("the same boxes give the same tags, and a face outside the picture gives none", () => {
  assert.deepEqual(layout(scene(7)), layout(scene(7)));
  assert.deepEqual(layout([box(-100, -100)]), [null]);
});

test("where the picture is smaller than a tag there is none", () => {
  assert.deepEqual(layout([box(2, 2, 10, 10)], { width: 30, height: 15 }), [null]);
});
