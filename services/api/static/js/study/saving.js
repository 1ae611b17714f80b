/** Saves a study on the service as it changes. */

const DELAY_MS = 500;
const RETRY_MS = 4000;

/** Problems that a later attempt may not have. */
const passes = ({ status }) => status === 0 || status === 429 || status >= 500;

export class StudySaving {
  #calls;
  #version;
  #timer = null;
  #running = null;
  #changed = false;

  /**
   * @param {string} version ETag of the study that was loaded
   * @param {{ put: (version: string) => Promise<{ study: object, version: string }>, report: (state: string, problem?: object) => void, accept: (study: object) => void }} calls
   *   report: receives "saving", "saved", "waiting" (no connection), "conflict" or "failed"; accept: receives what the service stored, unless it has changed since
   */
  constructor(version, calls) {
    this.#version = version;
    this.#calls = calls;
  }

  /** @returns {boolean} whether the service lacks a change */
  get pending() {
    return this.#changed || this.#running !== null;
  }

  /** Save soon. */
  schedule(delay = DELAY_MS) {
    this.#changed = true;
    this.#calls.report("saving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), delay);
  }

  /** Save now; resolves to whether the service has everything. */
  async flush() {
    clearTimeout(this.#timer);
    while (this.#running) await this.#running;
    if (this.#changed) {
      this.#running = this.#save().finally(() => { this.#running = null; });
      await this.#running;
    }
    return !this.#changed;
  }

  async #save() {
    this.#changed = false;
    try {
      const { study, version } = await this.#calls.put(this.#version);
      this.#version = version;
      if (this.#changed) return;
      this.#calls.report("saved");
      this.#calls.accept(study);
    } catch (problem) {
      this.#changed = true;
      this.#calls.report(problem.status === 412 ? "conflict" : passes(problem) ? "waiting" : "failed", problem);
      if (passes(problem)) this.#timer = setTimeout(() => this.flush(), RETRY_MS);
    }
  }
}
