/**
 * The edits of a job as the server has them, and the changes on their way to it. Changes are sent one after another, each for
 * the version of the edits that it was made on; without a response they are repeated.
 *
 * Events, each on the queue:
 * `change`    the edits or the state changed
 * `refused`   { problem, change }: the server refused a change, which is dropped
 * `replaced`  { before, lost }: another window changed the edits; `lost` are this window's edits that were not added to them
 */

import { commonEdits } from "./history.js";

/** Pauses before a change is sent again, in ms; the last one repeats. */
const PAUSES_MS = [1000, 2000, 5000, 15_000, 30_000];

const isTransient = ({ status }) => status === 0 || status === 408 || status === 429 || status >= 500;

/** Another key, or the same one later, may be accepted. */
const needsKey = ({ status }) => status === 401;

/** Concerns every change of these edits, not one of them. */
const isFinal = ({ status }) => status === 403 || status === 404 || status === 410;

const isUndo = (change) => change.undo === true;

/** The edits after a change. */
const changed = (edits, change) => (isUndo(change) ? edits.slice(0, -1) : [...edits, change.edit]);

const sameEdits = (one, other) => one.length === other.length && commonEdits(one, other) === one.length;

class QueueEvent extends Event {
  constructor(name, details) {
    super(name);
    Object.assign(this, details);
  }
}

/** @typedef {{ edit: object } | { undo: true }} Change */

/** Sends the changes of one job. */
export class EditQueue extends EventTarget {
  /** Edits that were undone and can be redone, oldest first. */
  undone = [];

  /** @type {"saved" | "saving" | "retrying" | "stopped"} retrying: the server does not respond; stopped: it needs a key */
  state = "saved";

  #id;
  #server;
  #store;
  #pause;
  #saved;
  #waiting = [];
  #running = false; // whether the first change is on its way, or waits to be sent again
  #wake = null; // ends the pause before a repetition

  /**
   * @param {string} id of the job
   * @param {{ version: number, edits: object[] }} saved
   * @param {object} parts
   * @param {{ getEdits: Function, addEdit: Function, undoEdit: Function }} parts.server
   * @param {(id: string, unsent: { saved: object, waiting: Change[] }) => void} parts.store called after every change
   * @param {(ms: number) => Promise<void>} [parts.pause]
   */
  constructor(id, saved, { server, store, pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }) {
    super();
    this.#id = id;
    this.#saved = saved;
    this.#server = server;
    this.#store = store;
    this.#pause = pause;
  }

  /** Edits as they will be once everything is sent. */
  get edits() { return this.#waiting.reduce(changed, this.#saved.edits); }

  /** Version of the edits that the server has. */
  get version() { return this.#saved.version; }

  get unsent() { return this.#waiting.length; }

  /** @param {object} edit */
  add(edit) {
    this.undone = [];
    this.#enqueue({ edit });
  }

  /** Undo the last edit; one that was not sent yet is never sent. */
  undo() {
    const last = this.edits.at(-1);
    if (!last) return;
    this.undone.push(last);
    const unsent = this.#waiting.length > (this.#running ? 1 : 0) && !isUndo(this.#waiting.at(-1));
    if (unsent) {
      this.#waiting.pop();
      this.#note();
    } else {
      this.#enqueue({ undo: true });
    }
  }

  /** Repeat the edit that was undone last. */
  redo() {
    const edit = this.undone.pop();
    if (edit) this.#enqueue({ edit });
  }

  /**
   * Continue with the changes of an earlier visit.
   * @param {{ saved: object, waiting: Change[] } | null} unsent
   */
  resume(unsent) {
    if (!unsent?.waiting.length) return;
    const found = this.#saved;
    this.#saved = unsent.saved;
    this.#waiting = unsent.waiting;
    if (found.version !== unsent.saved.version) this.#replace(found);
    this.#note();
    this.#run();
  }

  /** Send again at once what waits. */
  retry() {
    this.#wake?.();
    this.#run();
  }

  /** Resolves when everything is sent, or cannot be sent at present. */
  settled() {
    return new Promise((resolve) => {
      const check = () => {
        if (this.state === "saving") return;
        this.removeEventListener("change", check);
        resolve();
      };
      this.addEventListener("change", check);
      check();
    });
  }

  /** Read the edits again: another window may have changed them. */
  async refresh() {
    if (this.#running || this.#waiting.length) return;
    const found = await this.#server.getEdits(this.#id).catch(() => null);
    if (!found || this.#running || this.#waiting.length || found.version <= this.#saved.version) return;
    this.#replace(found);
    this.#note();
  }

  #enqueue(change) {
    this.#waiting.push(change);
    this.#note();
    this.#run();
  }

  #note(state = this.state) {
    this.state = state;
    this.#store(this.#id, { saved: this.#saved, waiting: this.#waiting });
    this.#emit("change");
  }

  #emit(name, details) {
    this.dispatchEvent(new QueueEvent(name, details));
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    const state = await this.#sendAll();
    this.#running = false;
    if (state === "saved" && this.#waiting.length) return this.#run(); // a change that came at the last moment
    return this.#note(state);
  }

  /** Send what waits; resolves to the state that this ends in. */
  async #sendAll() {
    for (let failures = 0; this.#waiting.length;) {
      if (!failures) this.#note("saving");
      const problem = await this.#sendFirst();
      if (!problem) {
        failures = 0;
      } else if (isTransient(problem)) {
        this.#note("retrying");
        await this.#beforeRepetition(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
        failures += 1;
      } else if (needsKey(problem)) {
        return "stopped";
      } else {
        this.#drop(problem);
      }
    }
    return this.#waiting.length ? this.state : "saved";
  }

  /** Send the first change that waits; resolves to the problem that kept it from being saved. */
  async #sendFirst() {
    const [change] = this.#waiting;
    try {
      const { version } = this.#saved;
      const stored = isUndo(change)
        ? await this.#server.undoEdit(this.#id, version)
        : await this.#server.addEdit(this.#id, change.edit, version);
      this.#accept(stored);
      return null;
    } catch (problem) {
      return problem.status === 412 ? this.#reload() : problem;
    }
  }

  #accept({ version, edits }) {
    this.#saved = { version, edits };
    this.#waiting.shift();
    this.#note();
  }

  /** Read the edits that another window changed, or that a change without a response did change. */
  async #reload() {
    try {
      this.#replace(await this.#server.getEdits(this.#id));
      this.#note();
      return null;
    } catch (problem) {
      return problem;
    }
  }

  /** Take over the edits of the server. A change that has reached it, although its response was lost, is done. */
  #replace(found) {
    const before = this.#saved;
    this.#saved = { version: found.version, edits: found.edits };
    const [first] = this.#waiting;
    if (first && found.version === before.version + 1 && sameEdits(found.edits, changed(before.edits, first))) {
      this.#waiting.shift();
      return;
    }
    const lost = this.#waiting.filter((change) => !isUndo(change)).map(({ edit }) => edit);
    const undos = this.#waiting.some(isUndo);
    this.#waiting = [];
    this.undone = [];
    this.#emit("replaced", { before: before.edits, lost, undos });
  }

  #drop(problem) {
    const dropped = isFinal(problem) ? this.#waiting.splice(0) : this.#waiting.splice(0, 1);
    this.undone = [];
    this.#emit("refused", { problem, change: dropped[0] });
    this.#note();
  }

  async #beforeRepetition(ms) {
    await Promise.race([this.#pause(ms), new Promise((resolve) => { this.#wake = resolve; })]);
    this.#wake = null;
  }
}
