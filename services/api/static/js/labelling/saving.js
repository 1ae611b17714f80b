/** Saves a rater's labels on the server as they change, and goes on when a lost connection is back. */

import { merged } from "./answers.js";

const DELAY_MS = 400;
const RETRY_MS = 4000;

/** Problems that a later attempt may not have. */
const passes = (problem) => problem.status === 0 || problem.status === 429 || problem.status >= 500;

/**
 * Saving of one rater's labels.
 *
 * `put(labels, version)` and `get()` call the server and resolve to `{ labels, version }`; `report(state, problem)` receives
 * "saving", "saved", "waiting" (no connection) or "failed".
 */
export class Saving {
  #draft;
  #calls;
  #report;
  #timer = null;
  #running = null;

  /**
   * @param {import("./draft.js").Draft} draft changed in place
   * @param {{ put: Function, get: Function, keep: () => void }} calls keep: stores the draft in the browser
   * @param {(state: string, problem?: object) => void} report
   */
  constructor(draft, calls, report) {
    this.#draft = draft;
    this.#calls = calls;
    this.#report = report;
  }

  /** @returns {boolean} whether the server lacks a change */
  get pending() {
    return JSON.stringify(this.#draft.labels) !== JSON.stringify(this.#draft.base);
  }

  /** Save soon. */
  schedule(delay = DELAY_MS) {
    this.#calls.keep();
    if (delay === DELAY_MS && this.pending) this.#report("saving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), delay);
  }

  /** Save now; resolves once nothing is pending, or the attempt has failed. */
  async flush() {
    clearTimeout(this.#timer);
    this.#running ??= this.#save().finally(() => { this.#running = null; });
    await this.#running;
  }

  async #save() {
    while (this.pending) {
      this.#report("saving");
      const sent = this.#draft.labels;
      try {
        this.#accept(await this.#calls.put(sent, this.#draft.version), sent);
      } catch (problem) {
        if (problem.status === 412) await this.#mergeStored();
        else return this.#give(problem);
      }
    }
    this.#report("saved");
  }

  #accept({ version }, sent) {
    Object.assign(this.#draft, { base: sent, version });
    this.#calls.keep();
  }

  /** Another window has saved meanwhile: take its labels, with the changes of this one. */
  async #mergeStored() {
    const { labels, version } = await this.#calls.get();
    Object.assign(this.#draft, { labels: merged(labels, this.#draft.base, this.#draft.labels), base: labels, version });
    this.#calls.keep();
  }

  #give(problem) {
    this.#report(passes(problem) ? "waiting" : "failed", problem);
    if (passes(problem)) this.schedule(RETRY_MS);
  }
}
