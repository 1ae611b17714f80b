/** The faces after each edit of a list. An edit at the end, or undoing one, costs only that edit. Pure. */

import { applyEdit, checkMerge, doubtsOf, facesOf, Refusal, stateOf } from "./editing.js";

const FIELDS = ["op", "face_id", "name", "into", "at_s", "start_s", "end_s", "uncertain_below"];

/**
 * @param {object} one
 * @param {object} other
 * @returns {boolean} whether two edits are the same
 */
export const sameEdit = (one, other) =>
  FIELDS.every((field) => (one[field] ?? null) === (other[field] ?? null)) && sameRecording(one.recording ?? null, other.recording ?? null);

const sameRecording = (one, other) =>
  one === other || (one !== null && other !== null && ["sha256", "name", "windows"].every((field) => (one[field] ?? null) === (other[field] ?? null)) &&
    one.logits.every((value, i) => value === other.logits[i]));

/**
 * @param {object[]} one
 * @param {object[]} other
 * @returns {number} edits at the start that two lists have in common
 */
export function commonEdits(one, other) {
  let count = 0;
  while (count < one.length && count < other.length && sameEdit(one[count], other[count])) count += 1;
  return count;
}

/** The edits of a computed result, and the faces that they give. */
export class History {
  #states;
  #tried = null; // { edit, before, after } of the last check, which usually precedes the edit itself

  /** @param {{ faces: object[] }} computed */
  constructor(computed) {
    this.edits = [];
    this.#states = [stateOf(computed)];
  }

  /**
   * Replace the edits. What both lists have in common at their start is not applied again.
   * @param {object[]} edits
   * @returns {object[]} the edits that do not apply, which are skipped
   */
  set(edits) {
    const common = commonEdits(this.edits, edits);
    const skipped = [];
    this.#states.length = common + 1;
    for (const edit of edits.slice(common)) this.#states.push(this.#next(edit, skipped));
    this.edits = [...edits];
    return skipped;
  }

  #next(edit, skipped) {
    try {
      return this.#after(edit);
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      skipped.push(edit);
      return this.#states.at(-1);
    }
  }

  /**
   * @param {object} edit
   * @throws {Refusal} where the edit does not apply to the present faces
   */
  check(edit) {
    this.#after(edit);
  }

  #after(edit) {
    const before = this.#states.at(-1);
    if (this.#tried?.edit !== edit || this.#tried.before !== before) this.#tried = { edit, before, after: applyEdit(before, edit) };
    return this.#tried.after;
  }

  /**
   * @param {number} id
   * @param {number} into
   * @throws {Refusal} where a face cannot be merged into another one
   */
  checkMerge(id, into) {
    checkMerge(this.#states.at(-1), id, into);
  }

  /**
   * The faces after the first `count` edits.
   * @param {number} count all by default
   * @returns {object[]}
   */
  faces(count = this.edits.length) {
    return facesOf(this.#states[count]);
  }

  /** @returns {[number, number][]} the faces that each split made of one, which a person has marked as different people */
  get separated() {
    return this.edits.flatMap(({ op, face_id: id }, i) => {
      const added = this.#states[i + 1].lastId;
      return op === "split" && added > this.#states[i].lastId ? [[id, added]] : [];
    });
  }

  /** @returns {{ code: string, id: number }[]} doubts about the resting faces that edits chose */
  get doubts() {
    return doubtsOf(this.#states.at(-1));
  }

  /** Whether a stretch of a face can become its resting face. */
  get hasLayer() {
    return this.#states[0].layer !== null;
  }

  /** @returns {number | null} the threshold of `uncertain` that the edits set; null for that of the model */
  get uncertainBelow() {
    return this.#states.at(-1).below;
  }
}
