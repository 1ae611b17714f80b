/** What the page of a result shows: the faces with their edits, and what this person hides and selects. */

import { spansOf } from "../timeline/timebase.js";

const known = new WeakMap(); // spans by the windows that they are of

function cachedSpans(face) {
  if (!known.has(face.windows)) known.set(face.windows, spansOf(face));
  return known.get(face.windows);
}

const relativeFaces = new WeakMap(); // by the faces that they are of

/**
 * @param {object} face
 * @returns {object} the face whose windows have the predictions relative to its baseline; the same one without a baseline
 */
export function relativeTo(face) {
  if (!face.baseline) return face;
  if (!relativeFaces.has(face)) {
    const windows = face.windows.map((window) => ({ ...window, ...window.relative }));
    relativeFaces.set(face, { ...face, windows });
  }
  return relativeFaces.get(face);
}

/**
 * @typedef {object} View
 * @property {boolean} relative whether the predictions relative to baselines are shown
 * @property {object} entry of the job
 * @property {object} result with the faces as edited
 * @property {Map<number, object[]>} spans by face id
 * @property {Set<number>} hidden ids of the faces whose switch is off
 * @property {Map<number, HTMLCanvasElement>} thumbs by face id
 * @property {number | null} selected id of the face that edits apply to
 * @property {{ start: number, end: number } | null} stretch of the selected face, in seconds
 */

/**
 * @param {object} entry
 * @param {object} computed the result without edits
 * @returns {View}
 */
export const viewOf = (entry, computed) =>
  ({ entry, result: computed, spans: new Map(), hidden: new Set(), thumbs: new Map(), relative: false, selected: null, stretch: null });

/**
 * Show other faces. Those that stay the same object keep what was computed from them.
 * @param {View} view
 * @param {object[]} faces
 */
export function setFaces(view, faces) {
  if (view.relative) faces = faces.map(relativeTo);
  view.result = { ...view.result, faces };
  view.spans = new Map(faces.map((face) => [face.face_id, cachedSpans(face)]));
}

/**
 * @param {View} view
 * @returns {object[]} the faces that are not excluded
 */
export const includedFaces = ({ result }) => result.faces.filter((face) => !face.excluded);
