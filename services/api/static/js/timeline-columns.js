/** A timeline from afar: where a pixel covers several windows, columns show which share of their time goes to what. */

import { lastBefore } from "./timebase.js";

const NARROWEST_SPAN = 2.5; // pixels; spans that are narrower on average cannot be drawn one by one
const NARROWEST_COLUMN = 4; // pixels
const SPANS_PER_COLUMN = 5; // at least, on average: fewer would flicker instead of showing proportions

/** Seconds that a column stands for at `scale` pixels a second, or null where every span can be drawn for itself. */
export function columnLength(spansOfFaces, scale) {
  let seconds = 0;
  let count = 0;
  for (const spans of spansOfFaces) {
    count += spans.length;
    for (const { start, end } of spans) seconds += end - start;
  }
  const mean = seconds / count;
  return mean * scale < NARROWEST_SPAN ? Math.max(NARROWEST_COLUMN / scale, SPANS_PER_COLUMN * mean) : null;
}

/**
 * Shares of time in `count` columns of `length` seconds from the time `from`. Returns an array of { start, end, parts }; `parts`
 * has [emotion, share, uncertain] in the order of `labels`, what is sure before what is uncertain of each, without those that
 * have no share. The shares of a column sum to 1 where the face is there all the time.
 */
export function columnsOf(spans, labels, { from, length, count }) {
  const size = 2 * labels.length;
  const rows = new Map(labels.map((label, i) => [label, 2 * i]));
  const shares = new Float64Array(count * size);
  const to = from + count * length;
  for (let i = Math.max(lastBefore(spans, "start", from), 0); i < spans.length && spans[i].start < to; i += 1) {
    const { start, end, window } = spans[i];
    const row = rows.get(window.emotion) + (window.uncertain ? 1 : 0);
    const last = Math.min(Math.floor((end - from) / length), count - 1);
    for (let column = Math.max(Math.floor((start - from) / length), 0); column <= last; column += 1) {
      const left = from + column * length;
      const overlap = Math.min(end, left + length) - Math.max(start, left);
      if (overlap > 0) shares[column * size + row] += overlap / length;
    }
  }
  return Array.from({ length: count }, (_, column) => ({
    start: from + column * length,
    end: from + (column + 1) * length,
    parts: labels.flatMap((label, i) => [[label, shares[column * size + 2 * i], false], [label, shares[column * size + 2 * i + 1], true]])
      .filter(([, share]) => share > 0),
  }));
}
