/** Edits and refusals in words. */

import { faceName } from "../common/face-name.js";
import { clock, errorTitle, percent, remedy, t } from "../common/i18n.js";

/** The name of a face by its id, also of one that is no longer there. */
function nameOf(faces, id) {
  return faceName(faces.find((face) => face.face_id === id) ?? { face_id: id });
}

/**
 * What an edit did.
 * @param {object} edit
 * @param {object[]} faces before it
 * @returns {string} "Face 2 was named Ann."
 */
export function editText(edit, faces) {
  const { op, name, into, at_s: at, start_s: start = null, end_s: end = null } = edit;
  const values = {
    face: nameOf(faces, edit.face_id),
    name,
    into: into && nameOf(faces, into),
    at: clock(at ?? 0),
    start: clock(start ?? 0),
    end: clock(end ?? 0),
  };
  if (edit.recording) return t("edits.did.baseline_recording", { ...values, name: edit.recording.name ?? t("edits.baseline_recording") });
  if (op === "threshold") return thresholdText(edit);
  if (op === "rename") return t(name === null ? "edits.did.unname" : "edits.did.rename", values);
  if (start !== null && op !== "split") return t(`edits.did.${op}_part`, values);
  return t(`edits.did.${op}`, values);
}

function thresholdText({ uncertain_below: below }) {
  return below === null ? t("edits.did.threshold_model") : t("edits.did.threshold", { below: percent(below, 1) });
}

/** Edits that are listed one by one; of more, the others are counted. */
const LISTED = 3;

/**
 * @param {string[]} texts
 * @returns {string} the last ones, and how many others there are
 */
export function listed(texts) {
  const more = texts.length - LISTED;
  return [...texts.slice(-LISTED), ...(more > 0 ? [t("edits.and_more", { count: more })] : [])].join(" ");
}

/**
 * Why an edit does not apply.
 * @param {{ reason: string, values: Record<string, number> }} refusal times in seconds
 * @param {object} edit
 * @param {object[]} faces
 * @returns {string}
 */
export function refusalText({ reason, values }, edit, faces) {
  const times = Object.fromEntries(Object.entries(values).map(([name, seconds]) => [name, clock(seconds)]));
  return t(`edits.refused.${reason}`, { face: nameOf(faces, edit.face_id), into: nameOf(faces, edit.into), ...times });
}

/**
 * Why the server did not save an edit, and what to do.
 * @param {{ code: string, title?: string }} problem
 * @returns {string}
 */
export const problemText = (problem) => t("edits.not_saved", { reason: [errorTitle(problem), remedy(problem.code) ?? ""].join(". ").trim() });
