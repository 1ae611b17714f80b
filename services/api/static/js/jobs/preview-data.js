/** A preview of a result: few enough bars to draw in a row of the list and to keep in the browser. Pure. */

/** Faces that a preview shows. */
export const MAX_LANES = 6;

/** Bars for one face; longer rows are joined into so many. */
const MAX_BARS = 100;

/** One bar for neighbouring windows: the emotion with most confidence in sum, and the mean confidence of all. */
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

/** `windows` { face_id, start_s, end_s, emotion, confidence } in the order of time; only the first faces' are kept. */
export function previewOf(windows, duration) {
  const rows = new Map();
  for (const window of windows) {
    if (!rows.has(window.face_id) && rows.size < MAX_LANES) rows.set(window.face_id, []);
    rows.get(window.face_id)?.push(window);
  }
  const bars = [...rows.values()].flatMap(thinned).map((bar) => [bar.face_id, rounded(bar.start_s), rounded(bar.end_s), bar.emotion, rounded(bar.confidence)]);
  return { duration, bars };
}

/** The bars of a preview as windows again. */
export const windowsOf = ({ bars }) => bars.map(([face_id, start_s, end_s, emotion, confidence]) => ({ face_id, start_s, end_s, emotion, confidence }));
