/** A preview of a result: few enough bars to draw in a row of the list and to keep in the browser. Pure. */

/** Faces that a preview shows, as many as an annotated video has lanes. */
export const MAX_LANES = 6;

/**
 * How many faces a preview leaves out.
 * @param {{ face_id: number }[]} windows
 * @param {number | undefined} faces of the result, where they are known
 * @returns {number}
 */
export function facesLeftOut(windows, faces = 0) {
  const found = new Set(windows.map((window) => window.face_id)).size;
  return found < MAX_LANES ? 0 : Math.max(found, faces) - MAX_LANES;
}

/** Bars of one face; longer rows are merged to so many. */
const MAX_BARS = 100;

/** One bar for adjacent windows: the emotion with the largest sum of confidence, and the mean confidence of all. */
function joined(windows) {
  const sums = new Map();
  for (const { emotion, confidence } of windows) sums.set(emotion, (sums.get(emotion) ?? 0) + confidence);
  const [emotion] = [...sums].reduce((best, other) => (other[1] > best[1] ? other : best));
  const confidence = windows.reduce((sum, window) => sum + window.confidence, 0) / windows.length;
  return { ...windows[0], end_s: windows.at(-1).end_s, emotion, confidence };
}

function thinned(windows) {
  const together = Math.ceil(windows.length / MAX_BARS);
  const bars = [];
  for (let start = 0; start < windows.length; start += together) bars.push(joined(windows.slice(start, start + together)));
  return bars;
}

const rounded = (value) => Math.round(value * 100) / 100;

/**
 * Reduce windows to a preview of the first MAX_LANES faces.
 * @typedef {{ face_id: number, start_s: number, end_s: number, emotion: string, confidence: number }} PreviewWindow
 * @typedef {[number, number, number, string, number]} Bar face id, start and end in seconds, emotion, confidence
 * @param {PreviewWindow[]} windows in order of time
 * @param {number} duration of the video in seconds
 * @returns {{ duration: number, bars: Bar[] }}
 */
export function previewOf(windows, duration) {
  const rows = new Map();
  for (const window of windows) {
    if (!rows.has(window.face_id) && rows.size < MAX_LANES) rows.set(window.face_id, []);
    rows.get(window.face_id)?.push(window);
  }
  const bars = [...rows.values()].flatMap(thinned).map((bar) => [bar.face_id, rounded(bar.start_s), rounded(bar.end_s), bar.emotion, rounded(bar.confidence)]);
  return { duration, bars };
}

/**
 * The bars of a preview as windows.
 * @param {{ bars: Bar[] }} preview
 * @returns {PreviewWindow[]}
 */
export const windowsOf = ({ bars }) => bars.map(([face_id, start_s, end_s, emotion, confidence]) => ({ face_id, start_s, end_s, emotion, confidence }));
