/** The small timeline in a row of the list, a lane for each face. */

import { makeSvg } from "../common/dom.js";
import { MAX_LANES } from "../jobs/preview-data.js";

const WIDTH = 1000;
const ROW = 10;

/**
 * A small timeline of a result, or of what a running job has found.
 * @param {import("../jobs/preview-data.js").PreviewWindow[] | undefined} windows
 * @param {number | undefined} duration of the video in seconds
 * @param {string} label accessible name
 * @returns {SVGElement | null} null without windows
 */
export function drawPreview(windows, duration, label) {
  if (!windows?.length) return null;
  const ids = [...new Set(windows.map((window) => window.face_id))].slice(0, MAX_LANES);
  const scale = WIDTH / Math.max(duration ?? 0, ...windows.map((window) => window.end_s));
  const bars = windows.filter((window) => ids.includes(window.face_id)).map((window) => bar(window, ids, scale));
  const view = { viewBox: `0 0 ${WIDTH} ${ids.length * ROW}`, preserveAspectRatio: "none" };
  const picture = makeSvg("svg", { class: "preview", role: "img", "aria-label": label, ...view }, ...bars);
  picture.style.height = `${ids.length * ROW}px`;
  return picture;
}

function bar({ face_id: id, emotion, confidence, start_s: start, end_s: end }, ids, scale) {
  const height = Math.max(confidence * (ROW - 2), 1);
  const y = (ids.indexOf(id) + 1) * ROW - height;
  return makeSvg("rect", { class: emotion, x: start * scale, y, width: (end - start) * scale, height });
}
