/**
 * Where the tag of each face's box goes. Pure geometry: rectangles are { left, top, width, height } in one unit of length.
 *
 * The rule, which annotated videos follow as well:
 *
 * 1. A tag lies against its own box, in the first of eight places that is free: above, below, right, left of it; each aligned
 *    with the start, then the end of that side, and moved along the side where it would leave the area.
 * 2. A place is free when it is inside the area and neither overlaps nor touches any other box or tag.
 * 3. Every face, in the order given, gets a small tag; then, in the same order, each tag becomes a full one where one of
 *    the eight places is free for that. So no full tag takes the only place of another face.
 * 4. A small tag without a free place goes into a corner of its own box (top left, top right, bottom left, bottom right):
 *    the first that touches no other box or tag, else the first that touches no other tag. Without such a corner there is no tag.
 */

const TOUCH = 1e-6; // rectangles this near touch, whatever the rounding

/**
 * @param {Rect} a
 * @param {Rect} b
 * @returns {boolean} whether the two overlap or touch
 */
export const meet = (a, b) =>
  a.left <= b.left + b.width + TOUCH && b.left <= a.left + a.width + TOUCH &&
  a.top <= b.top + b.height + TOUCH && b.top <= a.top + a.height + TOUCH;

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));

/** The part of a box that is inside the area, or null. */
function visible(box, area) {
  const left = Math.max(box.left, 0);
  const top = Math.max(box.top, 0);
  const width = Math.min(box.left + box.width, area.width) - left;
  const height = Math.min(box.top + box.height, area.height) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : null;
}

/** The eight places beside a box, best first. */
function beside(box, { width, height }, area) {
  const right = box.left + box.width;
  const bottom = box.top + box.height;
  const lefts = [box.left, right - width].map((left) => clamp(left, 0, area.width - width));
  const tops = [box.top, bottom - height].map((top) => clamp(top, 0, area.height - height));
  return [
    ...lefts.map((left) => ({ left, top: box.top - height })),
    ...lefts.map((left) => ({ left, top: bottom })),
    ...tops.map((top) => ({ left: right, top })),
    ...tops.map((top) => ({ left: box.left - width, top })),
  ].map((corner) => ({ ...corner, width, height }));
}

/** The four corners within a box. */
function within(box, { width, height }) {
  const right = box.left + box.width - width;
  const bottom = box.top + box.height - height;
  return [[box.left, box.top], [right, box.top], [box.left, bottom], [right, bottom]]
    .map(([left, top]) => ({ left, top, width, height }));
}

const inside = ({ left, top, width, height }, area) =>
  left >= 0 && top >= 0 && left + width <= area.width && top + height <= area.height;

/**
 * Lay out one tag for each box.
 * @typedef {{ left: number, top: number, width: number, height: number }} Rect
 * @typedef {{ width: number, height: number }} Size
 * @param {Rect[]} boxes
 * @param {{ full: Size, small: Size }[]} sizes of the two forms of each tag
 * @param {Size} area
 * @returns {((Rect & { small: boolean }) | null)[]} null where a box is outside the area or no place is left
 */
export function layoutTags(boxes, sizes, area) {
  const shown = boxes.map((box) => visible(box, area));
  const tags = boxes.map(() => null);
  const clearOf = (others, i) => (place) => others.every((other, k) => k === i || !other || !meet(place, other));
  const firstFree = (places, i, ...obstacles) =>
    places.find((place) => inside(place, area) && obstacles.every((others) => clearOf(others, i)(place))) ?? null;

  for (const [i, box] of shown.entries()) {
    if (!box) continue;
    const corners = within(box, sizes[i].small);
    const place = firstFree([...beside(box, sizes[i].small, area), ...corners], i, shown, tags) ?? firstFree(corners, i, tags);
    tags[i] = place && { ...place, small: true };
  }
  for (const [i, box] of shown.entries()) {
    const place = box && firstFree(beside(box, sizes[i].full, area), i, shown, tags);
    if (place) tags[i] = { ...place, small: false };
  }
  return tags;
}
