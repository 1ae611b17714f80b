/** The picture of a moment with the box of the face to label, and nothing of the model. */

import { cssColour, fitCanvas } from "../common/dom.js";
import { contain } from "../overlay/contain.js";
import { boxAt } from "../timeline/timebase.js";

const LINE = 3;

/**
 * Draw the box of a face.
 * @param {HTMLCanvasElement} canvas lies over the picture
 * @param {{ width: number, height: number }} video pixels of the picture
 * @param {object | undefined} face with its positions
 * @param {number} time seconds
 */
export function drawBox(canvas, video, face, time) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = fitCanvas(canvas, width, height);
  const box = face ? boxAt(face, time) : null;
  if (!box) return;
  const { scale, left, top } = contain(video, { width, height });
  const [x, y, across, down] = box;
  for (const [line, style] of [[2 * LINE, "rgb(0 0 0 / 55%)"], [LINE, "#ffffff"]]) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.strokeRect(left + x * scale, top + y * scale, across * scale, down * scale);
  }
}

/**
 * Draw a rater's own labels of a face over the whole video, with the playhead.
 * @param {HTMLCanvasElement} canvas
 * @param {{ labels: object[], face: object, duration: number, time: number }} view
 */
export function drawStrip(canvas, { labels, face, duration, time }) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = fitCanvas(canvas, width, height);
  const scale = width / Math.max(duration, 1e-3);
  context.fillStyle = cssColour("line");
  context.fillRect(face.start_s * scale, height / 2 - 1, (face.end_s - face.start_s) * scale, 2);
  for (const label of labels.filter((one) => one.face_id === face.face_id)) {
    context.fillStyle = cssColour(label.emotion === "cannot_tell" ? "line-strong" : label.emotion);
    context.fillRect(label.start_s * scale, 6, Math.max((label.end_s - label.start_s) * scale - 1, 2), height - 12);
  }
  context.fillStyle = cssColour("ink");
  context.fillRect(time * scale - 1, 0, 2, height);
}
