/**
 * The edits of the shown result: applied here at once, then sent to the server.
 *
 * Events, each on the editor:
 * `faces`     other faces are shown
 * `state`     what can be undone, or what is saved, changed
 * `selection` another face or stretch is selected
 * `note`      { text, lost }: something did not go as wanted; `lost` are edits that can be repeated
 * `done`      { text }: an edit was made
 */

import { addEdit, getEdits, undoEdit } from "../api/client.js";
import { t } from "../common/i18n.js";
import { EditQueue } from "./edit-queue.js";
import { cleanName, Refusal } from "./editing.js";
import { commonEdits, History } from "./history.js";
import { recallUnsent, storeUnsent } from "./unsent.js";
import { editText, listed, problemText, refusalText } from "./words.js";

const SERVER = { addEdit, getEdits, undoEdit };

/** Times of edits are exact to a millisecond. */
const rounded = (seconds) => Math.round(seconds * 1000) / 1000;

class EditorEvent extends Event {
  constructor(name, details) {
    super(name);
    Object.assign(this, details);
  }
}

/** Edits one result at a time. */
export class Editor extends EventTarget {
  /** Id of the face that edits apply to. */
  selected = null;

  /** @type {{ start: number, end: number } | null} seconds of the selected face */
  stretch = null;

  #history = null;
  #queue = null;
  #queues = new Map(); // by job: a result that is no longer shown still sends what waits
  #missed = new Map(); // by queue: what happened to its edits while another result was shown

  /**
   * @param {string} id of the job
   * @param {object} computed
   * @param {{ version: number, edits: object[] } | null} saved null where the result cannot be edited
   */
  open(id, computed, saved) {
    this.close();
    this.#history = new History(computed);
    this.selected = this.faces[0]?.face_id ?? null;
    this.#queue = saved && this.#queueOf(id, saved);
    if (!this.#queue) return;
    this.#update();
    const missed = this.#missed.get(this.#queue);
    this.#missed.delete(this.#queue);
    if (missed?.problem) this.#emit("note", { text: problemText(missed.problem) });
    else if (missed) this.#noteReplaced(missed);
  }

  /** The queue of a job: the one that still sends, else a new one that continues what an earlier visit could not send. */
  #queueOf(id, saved) {
    if (this.#queues.get(id)?.unsent) return this.#queues.get(id);
    const queue = new EditQueue(id, saved, { server: SERVER, store: storeUnsent });
    const whenShown = (listener) => (event) => (queue === this.#queue ? listener(event) : this.#missed.set(queue, event));
    this.#queues.set(id, queue);
    queue.addEventListener("change", () => queue === this.#queue && this.#update());
    queue.addEventListener("refused", whenShown(({ problem }) => this.#emit("note", { text: problemText(problem) })));
    queue.addEventListener("replaced", whenShown((event) => this.#noteReplaced(event)));
    queue.resume(recallUnsent(id));
    return queue;
  }

  /** Show no result; what is not saved yet is still sent. */
  close() {
    Object.assign(this, { selected: null, stretch: null });
    this.#queue = null;
    this.#history = null;
  }

  /** Whether the shown result can be edited. */
  get active() { return this.#queue !== null; }
  get faces() { return this.#history.faces(); }
  get canUndo() { return this.#history?.edits.length > 0; }
  get canRedo() { return this.#queue?.undone.length > 0; }
  get edited() { return this.canUndo; }

  /** Version of the saved edits; 0 without any. */
  get version() { return this.edited ? this.#queue.version : 0; }

  /** @returns {number | null} the threshold of `uncertain` that the edits set; null for that of the model */
  get uncertainBelow() { return this.#history?.uncertainBelow ?? null; }

  /** Whether a stretch of a face can become its resting face: not in results of earlier versions and of other models. */
  get canRest() { return this.#history?.hasLayer ?? false; }

  /** @returns {[number, number][]} the faces that splits made of one */
  get separated() { return this.#history?.separated ?? []; }

  /** @returns {{ code: string, id: number }[]} doubts about the resting faces that edits chose */
  get doubts() { return this.#history?.doubts ?? []; }
  get state() { return this.#queue?.state; }
  get unsent() { return this.#queue?.unsent ?? 0; }

  /** Whether edits of any result are not saved yet. */
  get hasUnsent() { return [...this.#queues.values()].some((queue) => queue.unsent > 0); }

  /** @returns {object | undefined} the selected face */
  get face() { return this.#history && this.faces.find((face) => face.face_id === this.selected); }

  /** Select a face, and a stretch of it. */
  select(id, stretch = null) {
    if (!this.active || (this.selected === id && !stretch && !this.stretch)) return;
    this.selected = id;
    this.stretch = stretch && { start: rounded(Math.min(stretch.start, stretch.end)), end: rounded(Math.max(stretch.start, stretch.end)) };
    this.#emit("selection");
  }

  /**
   * Make an edit, unless it does not apply.
   * @param {object} edit
   * @returns {boolean} whether it was made
   */
  apply(edit) {
    if (!this.active) return false;
    try {
      this.#history.check(edit);
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      this.#emit("note", { text: refusalText(problem, edit, this.faces) });
      return false;
    }
    const text = editText(edit, this.faces);
    this.#queue.add(edit);
    this.#emit("done", { text });
    return true;
  }

  /** Name a face; an empty name removes the one that it has. */
  rename(id, text) {
    const name = cleanName(text);
    const face = this.faces.find((one) => one.face_id === id);
    if (face && (face.name ?? null) !== name) this.apply({ op: "rename", face_id: id, name });
  }

  join(id, into) {
    if (id !== into && this.apply({ op: "merge", face_id: id, into })) this.select(into);
  }

  /** Why two faces cannot be joined, in words; null where they can. */
  refusalOfJoin(id, into) {
    try {
      this.#history.checkMerge(id, into);
      return null;
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      return refusalText(problem, { face_id: id, into }, this.faces);
    }
  }

  /** Split the selected face; the part from `time` on is selected then. */
  split(time) {
    if (!this.face || !this.apply({ op: "split", face_id: this.selected, at_s: rounded(time) })) return;
    this.select(Math.max(...this.faces.map((face) => face.face_id)));
  }

  /** Exclude the selected face or stretch, or include what is excluded of it. */
  toggleExcluded() {
    const { face, stretch } = this;
    if (!face) return;
    const op = this.excludes ? "exclude" : "include";
    const span = stretch && !face.excluded ? { start_s: stretch.start, end_s: stretch.end } : { start_s: null, end_s: null };
    if (this.apply({ op, face_id: face.face_id, ...span })) this.select(face.face_id);
  }

  /** Whether `toggleExcluded` would exclude, not include. */
  get excludes() {
    const { face, stretch } = this;
    if (!face) return true;
    if (stretch && !face.excluded) return !(face.excluded_spans ?? []).some(([start, end]) => start <= stretch.start && stretch.end <= end);
    return !face.excluded;
  }

  /** Take the stretch as the resting face of the selected face; without one, remove its resting face. */
  toggleBaseline() {
    const { face, stretch } = this;
    if (!face || !this.canRest || (!stretch && !face.baseline)) return false;
    const span = stretch ? { start_s: stretch.start, end_s: stretch.end } : { start_s: null, end_s: null };
    return this.apply({ op: "baseline", face_id: face.face_id, ...span });
  }

  /** Take the resting face in another recording as that of a face. */
  restFrom(id, recording) {
    return this.apply({ op: "baseline", face_id: id, recording });
  }

  /** Include a face again, or one stretch of it. */
  include(id, [start, end] = [null, null]) {
    this.apply({ op: "include", face_id: id, start_s: start, end_s: end });
  }

  undo() {
    if (!this.active || !this.canUndo) return;
    const edit = this.#history.edits.at(-1);
    const text = editText(edit, this.#history.faces(this.#history.edits.length - 1));
    this.#queue.undo();
    this.#emit("done", { text: t("edits.undone", { edit: text }) });
  }

  redo() {
    if (!this.active || !this.canRedo) return;
    const text = editText(this.#queue.undone.at(-1), this.faces);
    this.#queue.redo();
    this.#emit("done", { text });
  }

  /** Make edits again that another window's change kept from being saved. */
  repeat(edits) {
    for (const edit of edits) this.apply(edit);
  }

  /** Send at once what waits, of every result. */
  retry() {
    for (const queue of this.#queues.values()) queue.retry();
  }

  refresh() { return this.#queue?.refresh(); }

  /** Resolves when every edit is saved, or cannot be at present. */
  async settled() { await this.#queue?.settled(); }

  #update() {
    const { edits } = this.#queue;
    const common = commonEdits(edits, this.#history.edits);
    if (common < edits.length || common < this.#history.edits.length) {
      this.#history.set(edits);
      if (!this.face) Object.assign(this, { selected: this.faces[0]?.face_id ?? null, stretch: null });
      this.#emit("faces");
    }
    this.#emit("state");
  }

  /** Take over the edits of another window, and say what it did. */
  #noteReplaced({ before, lost, undos }) {
    const now = this.#queue.edits;
    const common = commonEdits(before, now);
    const shown = commonEdits(before, this.#history.edits); // none of what was undone before this result was opened again
    const undone = before.slice(common, shown).map((edit, i) => t("edits.undone", { edit: editText(edit, this.#history.faces(common + i)) }));
    this.#update();
    const added = now.slice(common).map((edit, i) => editText(edit, this.#history.faces(common + i)));
    const own = lost.map((edit) => editText(edit, this.faces));
    const parts = [t("edits.elsewhere", { edits: listed([...undone, ...added]) })];
    if (own.length) parts.push(t("edits.lost", { edits: listed(own) }));
    if (undos) parts.push(t("edits.lost_undo"));
    this.#emit("note", { text: parts.join(" "), lost });
  }

  #emit(name, details) {
    this.dispatchEvent(new EditorEvent(name, details));
  }
}
