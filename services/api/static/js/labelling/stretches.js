/** Labelling of whole faces: an answer holds from the playhead on, until another one is given. */

import { labelAt, withLabel, without } from "./answers.js";

/** Shortest stretch that an answer leaves of what it replaces, in seconds. */
const SHORTEST_S = 0.1;

/** State of a task of whole faces. */
export class Stretches {
  /**
   * @param {import("./draft.js").Draft} draft
   */
  constructor(draft) {
    this.draft = draft;
    this.faceId = this.faces[0]?.face_id;
  }

  get faces() { return this.draft.task.faces; }
  get face() { return this.faces.find(({ face_id: id }) => id === this.faceId); }

  /** @returns {string | null} the answer at a time */
  answerAt(time) { return labelAt(this.draft.labels, this.faceId, time)?.emotion ?? null; }

  /** @returns {number} labelled share of the face's time, 0 to 1 */
  get share() {
    const own = this.draft.labels.filter(({ face_id: id }) => id === this.faceId);
    const labelled = own.reduce((sum, label) => sum + label.end_s - label.start_s, 0);
    return labelled / Math.max(this.face.end_s - this.face.start_s, 1e-3);
  }

  /**
   * Label the face from a time to the start of the next label that begins later, or to its end.
   * @param {string} emotion
   * @param {number} time seconds
   * @returns {boolean} whether there was something to label
   */
  give(emotion, time) {
    const { face, draft } = this;
    const start = Math.min(Math.max(time, face.start_s), face.end_s);
    const later = draft.labels.filter((label) => label.face_id === face.face_id && label.start_s > start + SHORTEST_S);
    const end = later.length ? Math.min(...later.map((label) => label.start_s)) : face.end_s;
    if (end - start < SHORTEST_S) return false;
    const round = (seconds) => Math.round(seconds * 1000) / 1000;
    draft.labels = withLabel(draft.labels, { face_id: face.face_id, start_s: round(start), end_s: round(end), emotion });
    return true;
  }

  /** Remove the label at a time. */
  clear(time) {
    const label = labelAt(this.draft.labels, this.faceId, time);
    if (label) this.draft.labels = without(this.draft.labels, label);
  }
}
