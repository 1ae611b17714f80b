/** Who is where, and feels what, at a moment of the result. */

/** Between two positions further apart than this, in seconds, a face counts as out of the picture. */
const HOLD_S = 0.45;

/** The same in usual gaps between two positions, where these are longer; so many gaps say what is usual. */
const HOLD_GAPS = 1.2;
const FIRST_GAPS = 15;

/** Index of the last element whose `key` is not after `time`, or -1. */
export function lastBefore(list, key, time) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle][key] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How long a face stays where it was without another position, in seconds. */
export function holdOf(positions) {
  const first = positions.slice(0, FIRST_GAPS + 1);
  const gaps = first.slice(1).map((position, i) => position.time_s - first[i].time_s).sort((a, b) => a - b);
  const usual = (gaps[(gaps.length - 1) >> 1] + gaps[gaps.length >> 1]) / 2;
  return gaps.length ? Math.max(HOLD_S, HOLD_GAPS * usual) : HOLD_S;
}

/** The box [x, y, width, height] of a face at a time, moved evenly between the analysed frames; null when away. */
export function boxAt(face, time) {
  const index = lastBefore(face.positions, "time_s", time);
  const before = face.positions[index];
  const after = face.positions[index + 1];
  if (!before) return null;
  if (!after || after.time_s - before.time_s > HOLD_S) {
    return time - before.time_s <= holdOf(face.positions) ? before.box : null;
  }
  const share = (time - before.time_s) / (after.time_s - before.time_s);
  return before.box.map((value, i) => value + (after.box[i] - value) * share);
}

/**
 * The windows of a face as spans that do not overlap: each window speaks for the time nearest to its middle.
 * Returns [{ start, end, window }], in order of time; where two windows do not touch there is a gap.
 */
export function spansOf(face) {
  const middle = (window) => (window.start_s + window.end_s) / 2;
  return face.windows.map((window, i) => {
    const before = face.windows[i - 1];
    const after = face.windows[i + 1];
    const joins = (a, b) => a && b && b.start_s <= a.end_s + 0.25;
    return {
      window,
      start: joins(before, window) ? (middle(before) + middle(window)) / 2 : window.start_s,
      end: joins(window, after) ? (middle(window) + middle(after)) / 2 : window.end_s,
    };
  });
}

/** The window that speaks for a time, or null. */
export function windowAt(spans, time) {
  const span = spans[lastBefore(spans, "start", time)];
  return span && time <= span.end + 0.11 ? span.window : null;
}

/** The first beginning of a span after a time (`way` 1), or the last before it (-1). */
export function adjacentStart(spans, time, direction) {
  const before = lastBefore(spans, "start", time);
  if (direction > 0) return spans[before + 1]?.start;
  return spans[spans[before]?.start === time ? before - 1 : before]?.start;
}

/** How long spans last together, in seconds. */
const lengthOf = (spans) => spans.reduce((sum, span) => sum + span.end - span.start, 0);

/** Share of a face's time whose windows are uncertain. */
export function uncertainShare(spans) {
  return lengthOf(spans.filter(({ window }) => window.uncertain)) / (lengthOf(spans) || 1);
}

/** Share of a face's time for each emotion, largest first: [[emotion, share]]. Uncertain windows count for none. */
export function sharesOf(spans) {
  const total = lengthOf(spans) || 1;
  const shares = new Map();
  for (const { window, start, end } of spans) {
    if (window.uncertain) continue;
    shares.set(window.emotion, (shares.get(window.emotion) ?? 0) + (end - start) / total);
  }
  return [...shares].sort((a, b) => b[1] - a[1]);
}
