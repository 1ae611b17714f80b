/** Boxes and windows of a result at a moment; shared/exports/moments.py has the same rules. */

/** Between two positions further apart than this, in seconds, a face counts as away. */
export const HOLD_S = 0.45;

/** The same in median gaps between two positions, where that is longer; the median is of the first FIRST_GAPS gaps. */
export const HOLD_GAPS = 1.2;
export const FIRST_GAPS = 15;

/** Windows further apart than this, in seconds, have a gap between them. */
export const JOIN_S = 0.25;

/** Probability of speaking from which a person counts as talking in a window. */
export const SPEAKS = 0.5;

/** A window stays for this long after its end, in seconds: the time from one analysed frame to the next. */
export const LINGER_S = 0.11;

/**
 * @param {object[]} list ordered by `key`
 * @param {string} key
 * @param {number} time
 * @returns {number} index of the last element whose `key` is not after `time`, or -1
 */
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

/**
 * How long a box stays without another position.
 * @param {{ time_s: number }[]} positions
 * @returns {number} seconds
 */
export function holdOf(positions) {
  const first = positions.slice(0, FIRST_GAPS + 1);
  const gaps = first.slice(1).map((position, i) => position.time_s - first[i].time_s).sort((a, b) => a - b);
  const usual = (gaps[(gaps.length - 1) >> 1] + gaps[gaps.length >> 1]) / 2;
  return gaps.length ? Math.max(HOLD_S, HOLD_GAPS * usual) : HOLD_S;
}

/**
 * The box of a face at a time, interpolated linearly between analysed frames.
 * @param {{ positions: { time_s: number, box: number[] }[] }} face
 * @param {number} time seconds
 * @returns {number[] | null} [x, y, width, height] in pixels; null while the face is away
 */
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
 * The windows of a face as spans that do not overlap: each moment belongs to the window whose middle is nearest.
 * @typedef {{ start: number, end: number, window: object }} Span seconds
 * @param {{ windows: object[] }} face
 * @returns {Span[]} in order of time, with a gap where two windows do not touch
 */
export function spansOf(face) {
  const middle = (window) => (window.start_s + window.end_s) / 2;
  return face.windows.map((window, i) => {
    const before = face.windows[i - 1];
    const after = face.windows[i + 1];
    const joins = (a, b) => a && b && b.start_s <= a.end_s + JOIN_S;
    return {
      window,
      start: joins(before, window) ? (middle(before) + middle(window)) / 2 : window.start_s,
      end: joins(window, after) ? (middle(window) + middle(after)) / 2 : window.end_s,
    };
  });
}

/**
 * @param {Span[]} spans
 * @param {number} time seconds
 * @returns {object | null} the window of the span at that time
 */
export function windowAt(spans, time) {
  const span = spans[lastBefore(spans, "start", time)];
  return span && time <= span.end + LINGER_S ? span.window : null;
}

/**
 * The nearest start of a span after or before a time.
 * @param {Span[]} spans
 * @param {number} time seconds
 * @param {1 | -1} direction 1 for after, -1 for before
 * @returns {number | undefined} seconds
 */
export function adjacentStart(spans, time, direction) {
  const before = lastBefore(spans, "start", time);
  if (direction > 0) return spans[before + 1]?.start;
  return spans[spans[before]?.start === time ? before - 1 : before]?.start;
}

/** Total length of spans in seconds. */
const lengthOf = (spans) => spans.reduce((sum, span) => sum + span.end - span.start, 0);

/**
 * @param {Span[]} spans
 * @returns {number} share of their time whose windows are uncertain, 0 to 1
 */
export function uncertainShare(spans) {
  return lengthOf(spans.filter(({ window }) => window.uncertain)) / (lengthOf(spans) || 1);
}

/**
 * @param {{ speaking?: number | null }} window
 * @returns {boolean} whether the person speaks in it, as far as that was measured
 */
export const isTalking = ({ speaking = null }) => speaking !== null && speaking >= SPEAKS;

const talkingKnown = new WeakMap(); // by the windows: an hour of twenty faces has 144,000

/**
 * @param {{ speaking?: number | null }[]} windows of a face
 * @returns {boolean} whether speaking was measured in any of them
 */
export function knowsTalking(windows) {
  if (!talkingKnown.has(windows)) talkingKnown.set(windows, windows.some(({ speaking = null }) => speaking !== null));
  return talkingKnown.get(windows);
}

const parted = new WeakMap(); // what byTalking found, by the spans

/**
 * @param {Span[]} spans
 * @returns {{ talking: boolean, share: number, spans: Span[] }[]} the spans in which the person talks, and those in which not, each
 *   with its share of their time; empty where speaking was not measured
 */
export function byTalking(spans) {
  if (!parted.has(spans)) parted.set(spans, partByTalking(spans));
  return parted.get(spans);
}

function partByTalking(spans) {
  const known = spans.filter(({ window }) => (window.speaking ?? null) !== null);
  const parts = [true, false].map((talking) => ({ talking, spans: known.filter(({ window }) => isTalking(window) === talking) }));
  return parts.filter((part) => part.spans.length).map((part) => ({ ...part, share: lengthOf(part.spans) / (lengthOf(known) || 1) }));
}

/**
 * @param {Span[]} spans
 * @returns {[string, number][]} share of time for each emotion, largest first; uncertain windows count for none
 */
export function sharesOf(spans) {
  const total = lengthOf(spans) || 1;
  const shares = new Map();
  for (const { window, start, end } of spans) {
    if (window.uncertain) continue;
    shares.set(window.emotion, (shares.get(window.emotion) ?? 0) + (end - start) / total);
  }
  return [...shares].sort((a, b) => b[1] - a[1]);
}
