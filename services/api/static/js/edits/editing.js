/** Application of edits to the faces of a computed result, by the rules of shared/workbench/edits/editing.py. Pure. */

import { chosenResting, layerOf, recordedResting, restingOf, withPredictions } from "./baseline.js";

/**
 * A reason why an edit does not apply. `code` is that of the server; `reason` names the text of the page.
 */
export class Refusal extends Error {
  constructor(code, reason, values = {}) {
    super(`${code}: ${reason}`);
    Object.assign(this, { code, reason, values });
  }
}

/** As the service limits names, in characters. */
export const MAX_NAME = 80;

/**
 * A name as the service takes it: without characters that cannot be seen, as pasted text may have them. Joiners between visible
 * characters stay, by the rule of shared/schemas/visible_text.py.
 * @param {string} text
 * @returns {string | null} null for an empty one
 */
export function cleanName(text) {
  const visible = text.replace(/\p{Z}/gu, " ").replace(/(?![\u200c\u200d])\p{C}/gu, "");
  return tidied([...tidied(visible)].slice(0, MAX_NAME).join("")) || null;
}

/** The text without space around it, and without joiners that join nothing. */
function tidied(text) {
  const single = text.replace(/([\u200c\u200d])[\u200c\u200d]+/g, "$1");
  return single.replace(/(^|\s)[\u200c\u200d]/g, "$1").replace(/[\u200c\u200d](?=\s|$)/g, "").trim();
}

/**
 * A face with all its windows and positions, the spans that edits excluded from it, and its resting face. Never changed: an edit
 * makes another one.
 * @typedef {{ face: object, spans: [number, number][], resting: object | null }} Part
 * @typedef {{ parts: Map<number, Part>, lastId: number, below: number | null }} State below: the threshold of `uncertain` that an edit
 *   set
 */

/**
 * @param {{ faces: object[] }} result the computed one
 * @returns {State}
 */
export function stateOf({ faces, model = { labels: [] } }) {
  const layer = layerOf(model);
  const part = (face) => ({ face: { name: null, excluded: false, excluded_spans: [], ...face }, spans: [], resting: restingOf(face, layer) });
  const parts = new Map(faces.map((face) => [face.face_id, part(face)]));
  return { parts, lastId: Math.max(0, ...parts.keys()), below: null, labels: model.labels, sha256: model.sha256, layer };
}

/**
 * @param {State} state
 * @param {object} edit as POST /v1/jobs/{id}/edits takes it
 * @returns {State} a new one, which shares the faces that the edit does not concern
 * @throws {Refusal}
 */
export function applyEdit(state, edit) {
  if (edit.op === "threshold") return withThreshold(state, edit.uncertain_below);
  const next = { ...state, parts: new Map(state.parts) };
  const part = partOf(state, edit.face_id);
  if (edit.op === "rename") set(next, part, { name: edit.name });
  else if (edit.op === "merge") merge(next, part, partOf(state, edit.into));
  else if (edit.op === "split") split(next, part, edit.at_s);
  else if (edit.op === "baseline") rest(next, part, edit);
  else if (edit.op === "exclude") exclude(next, part, spanOf(edit));
  else include(next, part, spanOf(edit));
  return next;
}

/** Label of what was not selected: a confidence then is not that over all labels. */
const OTHER = "other";

function withThreshold(state, below) {
  if (below !== null && state.labels.includes(OTHER)) throw new Refusal("invalid_edit", "selected_labels");
  return { ...state, below };
}

function partOf({ parts }, id) {
  if (!parts.has(id)) throw new Refusal("unknown_face", "unknown_face");
  return parts.get(id);
}

const spanOf = ({ start_s: start = null, end_s: end = null }) => (start === null || end === null ? null : [start, end]);

function set(state, { face, spans, resting }, changes, newSpans = spans, newResting = resting) {
  state.parts.set(face.face_id, { face: { ...face, ...changes }, spans: newSpans, resting: newResting });
}

/** Start and end of a face, from its positions. */
const bounds = (positions) => ({ start_s: positions[0].time_s, end_s: positions.at(-1).time_s });

/**
 * @param {State} state
 * @param {number} id
 * @param {number} into
 * @throws {Refusal} where a face cannot be merged into another one; costs less than to merge them
 */
export function checkMerge(state, id, into) {
  excludedOfBoth(partOf(state, id), partOf(state, into));
}

/** What is excluded of two faces that are merged. */
function excludedOfBoth(part, into) {
  const time = firstMeeting(part.face, into.face);
  if (time !== null) throw new Refusal("faces_overlap", "faces_overlap", { time });
  const excluded = joined([...into.spans, ...part.spans]);
  if (![into, part].some(({ face }) => remaining(face.windows, excluded).length)) throw new Refusal("invalid_edit", "nothing_left");
  return excluded;
}

function merge(state, part, into) {
  const { face } = part;
  const excluded = excludedOfBoth(part, into);
  const windows = inOrder(relativeWindows(state, into, part), relativeWindows(state, part, into), "start_s");
  const positions = inOrder(into.face.positions, face.positions, "time_s");
  const baseline = joinedBaseline(into.face.baseline ?? null, face.baseline ?? null);
  state.parts.delete(face.face_id);
  set(state, into, { name: into.face.name ?? face.name, baseline, windows, positions, ...bounds(positions) }, excluded, joinedResting(into, part));
}

/** The windows of a face that is merged: one without a baseline takes that of the other. */
function relativeWindows({ layer, labels }, { face }, { resting }) {
  return face.baseline || !resting ? face.windows : withPredictions(face.windows, resting.mean, layer, labels);
}

function joinedResting({ resting: one }, { resting: other }) {
  if (!one || !other) return one ?? other;
  return { ...one, doubts: [...new Set([...one.doubts, ...other.doubts])].sort() };
}

/** The baseline of merged faces. Their windows keep the predictions relative to their own baseline. */
function joinedBaseline(one, other) {
  if (!one || !other || JSON.stringify(one) === JSON.stringify(other)) return one ?? other;
  return { ...one, spans: joined([...one.spans, ...other.spans]), windows: one.windows + other.windows };
}

/**
 * The first time at which two faces are visible in the same picture.
 * @param {{ positions: { time_s: number }[] }} one
 * @param {{ positions: { time_s: number }[] }} other
 * @returns {number | null} seconds
 */
export function firstMeeting({ positions: one }, { positions: other }) {
  let i = 0;
  let k = 0;
  while (i < one.length && k < other.length) {
    const gap = one[i].time_s - other[k].time_s;
    if (gap === 0) return one[i].time_s;
    if (gap < 0) i += 1;
    else k += 1;
  }
  return null;
}

/** Two lists in order of `key`, merged; of equal elements, that of `one` comes first. */
function inOrder(one, other, key) {
  const merged = [];
  let k = 0;
  for (const element of one) {
    while (k < other.length && other[k][key] < element[key]) merged.push(other[k++]);
    merged.push(element);
  }
  for (; k < other.length; k += 1) merged.push(other[k]);
  return merged;
}

function split(state, part, at) {
  const { face, spans } = part;
  const parts = [(time) => time < at, (time) => time >= at].map((inside) => ({
    windows: face.windows.filter((window) => inside(middle(window))),
    positions: face.positions.filter(({ time_s: time }) => inside(time)),
  }));
  if (parts.some(({ windows, positions }) => !remaining(windows, spans).length || !positions.length)) {
    throw new Refusal("invalid_edit", "split_outside", { start: face.start_s, end: face.end_s });
  }
  const [before, after] = parts;
  state.lastId += 1;
  set(state, part, { ...before, ...bounds(before.positions) }, clipped(spans, 0, at));
  const added = { ...face, face_id: state.lastId, name: null };
  set(state, { face: added, spans: [], resting: part.resting }, { ...after, ...bounds(after.positions) }, clipped(spans, at, Infinity));
}

const middle = (window) => (window.start_s + window.end_s) / 2;

/** Take a stretch or another recording as the resting face; without either, the face has none. */
function rest(state, part, edit) {
  const { face, spans } = part;
  const span = spanOf(edit);
  if (!span && !edit.recording) {
    set(state, part, { baseline: null, windows: face.windows.map((window) => ({ ...window, relative: null })) }, spans, null);
    return;
  }
  const refusal = (...reason) => new Refusal(...reason);
  const { baseline, resting } = edit.recording
    ? recordedResting(face, edit.recording, state.layer, state.sha256, refusal)
    : chosenResting(face, span, state.layer, refusal);
  const windows = withPredictions(face.windows, resting.mean, state.layer, state.labels);
  set(state, part, { baseline: { ...baseline, spans: joined(baseline.spans) }, windows }, spans, resting);
}

/**
 * @param {State} state
 * @returns {{ code: string, id: number }[]} doubts about the resting faces that edits chose
 */
export const doubtsOf = ({ parts }) =>
  [...parts.values()].flatMap(({ face, resting }) => (resting?.doubts ?? []).map((code) => ({ code, id: face.face_id })));

function exclude(state, part, span) {
  const { face, spans } = part;
  if (!span) return set(state, part, { excluded: true });
  if (!clipped([span], face.start_s, face.end_s).length) {
    throw new Refusal("invalid_edit", "span_outside", { start: face.start_s, end: face.end_s });
  }
  const excluded = joined([...spans, span]);
  if (!remaining(face.windows, excluded).length) throw new Refusal("invalid_edit", "nothing_left");
  return set(state, part, {}, excluded);
}

function include(state, part, span) {
  if (!span) set(state, part, { excluded: false }, []);
  else set(state, part, {}, [...clipped(part.spans, 0, span[0]), ...clipped(part.spans, span[1], Infinity)].sort(byStart));
}

const byStart = ([one], [other]) => one - other;

/** The parts of spans between two times. */
const clipped = (spans, start, end) =>
  spans.map(([one, other]) => [Math.max(one, start), Math.min(other, end)]).filter(([one, other]) => one < other);

/** The union of spans, in order of time. */
function joined(spans) {
  const union = [];
  for (const [start, end] of [...spans].sort(byStart)) {
    const last = union.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else union.push([start, end]);
  }
  return union;
}

const holds = (spans, time) => spans.some(([start, end]) => start <= time && time < end);

const remaining = (windows, spans) => (spans.length ? windows.filter((window) => !holds(spans, middle(window))) : windows);

const shown = new WeakMap(); // faces by the parts that they are of

/**
 * The faces as a result with these edits has them, in order of their ids. A face that an edit left alone stays the same object.
 * @param {State} state
 * @returns {object[]}
 */
export const facesOf = ({ parts, below }) => [...parts.keys()].sort((a, b) => a - b).map((id) => shownFace(parts.get(id), below));

function shownFace(part, below) {
  if (!shown.has(part)) shown.set(part, new Map());
  const faces = shown.get(part); // by the threshold
  if (!faces.has(below)) faces.set(below, marked(withoutExcluded(part), below));
  return faces.get(below);
}

/** The face with the windows below a threshold marked as uncertain, and no others. */
function marked(face, below) {
  if (below === null) return face;
  return { ...face, windows: face.windows.map((window) => ({ ...window, uncertain: window.confidence < below })) };
}

function withoutExcluded({ face, spans }) {
  if (!spans.length) return face;
  const inside = face.positions.filter(({ time_s: time }) => !holds(spans, time));
  const positions = inside.length ? inside : face.positions; // the only one of a long window can lie in an excluded part
  return { ...face, windows: remaining(face.windows, spans), positions, ...bounds(positions), excluded_spans: spans };
}
