/** Labelling of moments: one after the other, each played in a loop until it has an answer. */

import { answerTo, nextOpen, timeLeft, withLabel, without } from "./answers.js";

/** Time before and after a moment that is played with it, in seconds. */
const AROUND_S = 0.4;

/** State of a task of moments. */
export class Moments {
  #times = [];

  /**
   * @param {import("./draft.js").Draft} draft
   */
  constructor(draft) {
    this.draft = draft;
    this.index = Math.max(nextOpen(this.all, draft.labels, 0), 0);
  }

  get all() { return this.draft.task.moments; }
  get current() { return this.all[this.index]; }
  get face() { return this.draft.task.faces.find(({ face_id: id }) => id === this.current?.face_id); }
  get answer() { return this.current ? answerTo(this.draft.labels, this.current) : null; }
  get total() { return this.all.length; }
  get done() { return this.all.filter((moment) => answerTo(this.draft.labels, moment) !== null).length; }

  /** @returns {{ from: number, to: number }} the part of the video to play, in seconds */
  get loop() {
    return { from: Math.max(this.current.start_s - AROUND_S, 0), to: this.current.end_s + AROUND_S };
  }

  /** @returns {number} estimated seconds for what is left */
  get secondsLeft() {
    const { estimated_s: estimated } = this.draft.task;
    return timeLeft(this.#times, this.total - this.done, this.total ? estimated / this.total : 0);
  }

  /**
   * Answer the current moment and go to the next one without an answer; the same answer again removes it.
   * @param {string} emotion
   * @returns {boolean} whether every moment has an answer
   */
  give(emotion) {
    const { draft, current } = this;
    if (this.answer === emotion) {
      draft.labels = without(draft.labels, current);
      return false;
    }
    draft.labels = withLabel(draft.labels, { ...current, emotion });
    this.#times.push(Date.now());
    const next = nextOpen(this.all, draft.labels, this.index + 1);
    if (next >= 0) this.index = next;
    return next < 0;
  }

  /** Go to the previous or the next moment. */
  move(by) {
    this.index = Math.min(Math.max(this.index + by, 0), this.total - 1);
  }
}
