/** The buttons of the edits, above the lanes: undo and redo, the face and the stretch that they apply to, and what is saved. */

import { announce, byId, make, setIcon } from "../common/dom.js";
import { faceName } from "../common/face-name.js";
import { clock, t } from "../common/i18n.js";
import { hideNote, showNote } from "./edit-note.js";

/** The choice is drawn anew only where it differs: an open one would close. */
function drawFaceChoice({ faces, selected }) {
  const choice = byId("edit-face");
  const options = faces.map((face) => make("option", { value: face.face_id }, faceName(face)));
  const same = options.length === choice.length && options.every((option, i) => option.isEqualNode(choice[i]));
  if (!same) choice.replaceChildren(...options);
  choice.value = selected ?? "";
}

function drawExclusion(editor) {
  const { face, stretch, excludes } = editor;
  const part = stretch && !face?.excluded ? "_part" : "";
  const values = stretch ? { start: clock(stretch.start), end: clock(stretch.end) } : {};
  byId("edit-exclude-label").textContent = t(`edits.${excludes ? "exclude" : "include"}${part}`, values);
  setIcon(byId("edit-exclude"), excludes ? "leave-out" : "include");
  byId("edit-clear").hidden = !stretch;
}

function drawBaseline({ face, stretch, canRest }) {
  const values = stretch ? { start: clock(stretch.start), end: clock(stretch.end) } : {};
  const name = stretch ? "edits.baseline_part" : face?.baseline ? "edits.baseline_remove" : "edits.baseline_from";
  byId("edit-baseline-label").textContent = t(name, values);
  byId("edit-baseline").hidden = !canRest;
  byId("edit-baseline").disabled = !face;
  byId("edit-baseline").title = stretch ? "" : t("edits.baseline_hint");
}

const STATES = { saved: "edits.saved", saving: "edits.saving", retrying: "edits.retrying", stopped: "edits.stopped" };

function drawState(editor) {
  byId("edit-undo").disabled = !editor.canUndo;
  byId("edit-redo").disabled = !editor.canRedo;
  const touched = editor.canUndo || editor.canRedo || editor.unsent > 0;
  byId("edit-state").textContent = touched ? t(STATES[editor.state]) : "";
  byId("edit-state").dataset.state = touched ? editor.state : "";
  byId("edit-retry").hidden = !["retrying", "stopped"].includes(editor.state);
}

/**
 * Draw the bar of the shown result.
 * @param {object} editor
 */
export function drawEditBar(editor) {
  byId("edit-bar").hidden = !editor.active || editor.faces.length === 0;
  if (byId("edit-bar").hidden) return;
  drawFaceChoice(editor);
  drawExclusion(editor);
  drawBaseline(editor);
  drawState(editor);
  for (const id of ["edit-name", "edit-split", "edit-from", "edit-to", "edit-exclude"]) byId(id).disabled = !editor.face;
  byId("edit-join").disabled = editor.faces.length < 2;
}

/** Begin or end the stretch at a time; its other side is that of the stretch so far, else of the face. */
function mark(editor, time, isStart) {
  const { face } = editor;
  if (!face) return;
  const stretch = editor.stretch ?? { start: face.start_s, end: face.end_s };
  const start = isStart ? time : stretch.start < time ? stretch.start : face.start_s;
  const end = isStart ? (stretch.end > time ? stretch.end : face.end_s) : time;
  if (end <= start) return;
  editor.select(face.face_id, { start, end });
  announce(t("edits.stretch", { start: clock(editor.stretch.start), end: clock(editor.stretch.end) }));
}

/** Select the next or the previous face. */
function selectNext(editor, step) {
  const { faces, selected } = editor;
  if (!faces.length) return;
  const index = faces.findIndex((face) => face.face_id === selected);
  editor.select(faces[(index + step + faces.length) % faces.length].face_id);
  announce(t("edits.selected", { face: faceName(editor.face) }));
}

/**
 * Connect the buttons. Returns what they do, for keys.
 * @param {object} editor
 * @param {{ player: object, nameFace: (id: number) => void, joinFace: () => void, rest: () => void }} parts
 * @returns {Record<string, () => void>}
 */
export function startEditBar(editor, { player, nameFace, joinFace, rest }) {
  const actions = {
    undo: () => editor.undo(),
    redo: () => editor.redo(),
    name: () => editor.face && nameFace(editor.selected),
    join: joinFace,
    split: () => editor.split(player.time),
    from: () => mark(editor, player.time, true),
    to: () => mark(editor, player.time, false),
    clear: () => editor.select(editor.selected),
    exclude: () => editor.toggleExcluded(),
    baseline: rest,
    retry: () => editor.retry(),
    next: () => selectNext(editor, 1),
    previous: () => selectNext(editor, -1),
  };
  for (const [name, action] of Object.entries(actions)) byId(`edit-${name}`)?.addEventListener("click", action);
  byId("edit-face").addEventListener("change", ({ target }) => editor.select(Number(target.value)));
  editor.addEventListener("selection", () => drawEditBar(editor));
  editor.addEventListener("state", () => drawEditBar(editor));
  editor.addEventListener("note", (note) => showNote(editor, note));
  editor.addEventListener("done", ({ text }) => {
    hideNote();
    announce(text);
  });
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, () => editor.active && action()]));
}
