/** The result page: the person's own video with boxes over it, faces, timeline, table and downloads. */

import { getEdits, getResult } from "../api/client.js";
import { announce, byId, make, setIcon } from "../common/dom.js";
import { faceName } from "../common/face-name.js";
import { clock, t } from "../common/i18n.js";
import { watchOverflow } from "../common/overflow.js";
import { startDragging } from "../edits/drag.js";
import { drawEditBar, startEditBar } from "../edits/edit-bar.js";
import { hideNote } from "../edits/edit-note.js";
import { Editor } from "../edits/editor.js";
import { askWhomToJoin } from "../edits/join-dialog.js";
import { askForResting } from "../edits/resting-dialog.js";
import { compareFile } from "../file-check/comparison.js";
import { onChange, rename } from "../jobs/jobs.js";
import { dropPreview } from "../jobs/preview-storage.js";
import { recallRecording } from "../jobs/recordings.js";
import { contain } from "../overlay/contain.js";
import { drawOverlay } from "../overlay/overlay.js";
import { SuggestionCard } from "../suggestions/suggestion-card.js";
import { drawLegend } from "../timeline/legend.js";
import { adjacentStart, knowsTalking } from "../timeline/timebase.js";
import { Timeline } from "../timeline/timeline.js";
import { drawDownloads, redrawAnnotatedVideo } from "./downloads.js";
import { drawFaces, forgetFaces, nameFace, placeThumb, startFaceList, thumb, updateFaces } from "./face-list.js";
import { drawKeys, showKeys, startKeyboard } from "./keyboard.js";
import { Player } from "./player.js";
import { drawModel } from "./reliability.js";
import { drawTable } from "./table.js";
import { thumbnails } from "./thumbnails.js";
import { includedFaces, setFaces, viewOf } from "./view.js";

const FRAME_S = 1 / 30;

const factsOf = (shown) =>
  t("result.facts", {
    duration: clock(shown.result.video.duration_s),
    width: shown.result.video.width,
    height: shown.result.video.height,
    faces: t("result.faces", { count: includedFaces(shown).length }),
  });

const player = new Player(byId("video"));
const editor = new Editor();
const timeline = new Timeline(player, {
  onFace: (id) => editor.select(id),
  onStretch: (id, stretch) => editor.select(id, stretch),
});
const thumbOf = (face) => thumb(face, view?.thumbs.get(face.face_id));
const suggestionCard = new SuggestionCard(editor, (time) => player.seek(time), thumbOf);
let view = null;

/** The saved edits; null where this service, or this key, has none to give: the result is shown as it was computed. */
async function savedEdits(id) {
  try {
    return await getEdits(id);
  } catch (problem) {
    if ([403, 404, 405].includes(problem.status)) return null;
    throw problem;
  }
}

/**
 * Fetch a result and show it.
 * @param {object} entry
 * @param {() => boolean} wanted whether the result is still wanted when it arrives
 * @param {boolean} computed whether it is shown as computed, without its edits
 * @returns {Promise<boolean>} whether it was opened, and not shown before
 * @throws {Problem}
 */
export async function openWorkspace(entry, wanted, computed = false) {
  if (view?.entry === entry) {
    await showEdits(entry, computed);
    return false;
  }
  closeWorkspace();
  const [result, saved, file] = await Promise.all([getResult(entry.id), savedEdits(entry.id), entry.file ?? recallRecording(entry.id)]);
  if (!wanted() || view?.entry === entry) return false;
  entry.file ??= file ?? undefined;
  editor.open(entry.id, result, computed ? null : saved);
  view = { ...viewOf(entry, result), computed, original: result };
  setFaces(view, editor.faces);
  view.selected = editor.selected;
  const { duration_s: duration, frames_decoded: frames, width, height } = result.video;
  byId("stage").style.aspectRatio = `${width} / ${height}`;
  byId("workspace").hidden = false;
  fitVideo();
  player.open({ duration, frame: frames ? duration / frames : FRAME_S, file: entry.file });
  drawAll();
  timeline.show(view);
  showNote(entry.file ? null : () => t("stage.missing"));
  if (entry.file) makeThumbs(view);
  suggestionCard.open(entry.id);
  announce(t("result.ready", { name: entry.name, faces: t("result.faces", { count: includedFaces(view).length }) }));
  return true;
}

/** Show the same result with its edits, or as it was computed. */
async function showEdits(entry, computed) {
  if (view.computed === computed) return;
  const of = view;
  await editor.settled();
  const saved = computed ? null : await savedEdits(entry.id);
  if (view !== of) return;
  of.computed = computed;
  editor.open(entry.id, of.original, saved);
  hideNote();
  redrawEdited();
  drawDownloadsOf(entry);
  suggestionCard.open(entry.id);
}

/** Hide the result and stop the player. */
export function closeWorkspace() {
  player.pause();
  player.detach();
  view = null;
  editor.close();
  suggestionCard.open(null);
  hideNote();
  byId("workspace").hidden = true;
}

function drawAll() {
  drawTexts();
  timeline.draw();
}

function drawTexts() {
  const { entry } = view;
  byId("video-name").textContent = entry.name;
  drawSummary();
  drawDownloadsOf(entry);
  drawKeys();
  drawModel(editor.uncertainBelow, view.result.model.relative);
  redrawFaces();
  drawState();
  suggestionCard.draw();
}

/** Draw what is said of all faces together. */
function drawSummary() {
  byId("video-facts").textContent = factsOf(view);
  drawRows();
  drawLegend(view.result.model.labels, isAllUncertain(includedFaces(view)) ? t("timeline.all_uncertain") : null,
    view.result.faces.some((face) => knowsTalking(face.windows)));
  drawEditBar(editor);
  drawComputed();
  drawBaselines();
  drawWarnings();
}

/** The warnings of the result, and doubts about the resting faces that edits chose. */
function drawWarnings() {
  const { faces, warnings } = view.result;
  const doubts = editor.doubts.map(({ code, id }) => t(`baseline.${code}`, { face: faceName(faces.find((face) => face.face_id === id)) }));
  const texts = [...warnings.map(({ detail }) => detail), ...doubts];
  byId("warnings").hidden = texts.length === 0;
  byId("warnings").replaceChildren(...texts.map((text) => make("li", {}, text)));
}

/** The switch between the predictions without and with a baseline, and which part of each face is its resting face. */
function drawBaselines() {
  const faces = includedFaces(view);
  byId("relative-line").hidden = !faces.some((face) => face.baseline);
  byId("relative").checked = view.relative;
  byId("relative-note").textContent = faces.map(baselineText).join(" · ");
}

function baselineText(face) {
  const recording = face.baseline?.recording;
  if (recording) return t("baseline.of_recording", { face: faceName(face), name: recording.name ?? t("edits.baseline_recording") });
  const parts = face.baseline?.spans.map(([start, end]) => `${clock(start)}–${clock(end)}`).join(", ");
  return t(parts ? "baseline.of" : "baseline.none", { face: faceName(face), parts });
}

function drawDownloadsOf(entry) {
  drawDownloads(entry, { edited: !view.computed, version: () => editor.version, settled: () => editor.settled() });
}

/** The link between the result with its edits and the computed one. */
function drawComputed() {
  const { entry, computed } = view;
  byId("edit-computed").hidden = !computed && !editor.edited;
  byId("edit-computed").href = `#job/${entry.id}${computed ? "" : "/computed"}`;
  byId("edit-computed").textContent = t(computed ? "edits.show_edited" : "edits.show_computed");
  byId("computed-note").hidden = !computed;
}

/** Show the faces after an edit: of the cards and lanes, only those that it changed are drawn anew. */
function redrawEdited() {
  setFaces(view, editor.faces);
  Object.assign(view, { selected: editor.selected, stretch: editor.stretch });
  drawSummary();
  drawModel(editor.uncertainBelow, view.result.model.relative);
  redrawFaces();
  timeline.update();
  if (player.url) makeThumbs(view);
}

/** Mark the selected face and its stretch. */
function redrawSelection() {
  const lanes = [view.stretch && view.selected, editor.stretch && editor.selected].filter(Boolean);
  Object.assign(view, { selected: editor.selected, stretch: editor.stretch });
  redrawFaces();
  for (const id of new Set(lanes)) timeline.drawFace(id);
}

/** The table is drawn when it is opened. */
function drawRows() {
  const box = byId("table").querySelector(".table-scroll");
  if (byId("table").open) drawTable(box, { ...view.result, faces: includedFaces(view) });
  else box.replaceChildren();
}

function isAllUncertain(faces) {
  const known = faces.filter((face) => face.windows.length > 0);
  return known.length > 0 && known.every((face) => face.windows.every((window) => window.uncertain));
}

/** Redraw the cards, keeping the focus. */
function redrawFaces() {
  const focused = document.activeElement;
  const card = focused?.closest("#face-list .face");
  drawFaces(view, {
    onToggle: setShown,
    onName: (id, name) => editor.rename(id, name),
    onInclude: (id, span) => editor.include(id, span),
    onSelect: (id) => editor.select(id),
    editable: editor.active,
  });
  if (card && !focused.isConnected) {
    document.querySelector(`#face-list [data-face="${card.dataset.face}"] ${focused.matches("input") ? "input" : ".face-title"}`)?.focus();
  }
  drawMoment();
}

function setShown(id, shown) {
  if (shown) view.hidden.delete(id);
  else view.hidden.add(id);
  redrawFaces();
  timeline.drawFace(id);
}

function drawMoment() {
  if (!view) return;
  drawOverlay(byId("overlay"), view, player.time);
  timeline.followPlayhead();
  timeline.movePlayhead();
  updateFaces(view, player.time);
  byId("clock").replaceChildren(clock(player.time, 2), make("span", {}, ` / ${clock(player.duration, 2)}`));
}

function drawState() {
  setIcon(byId("play"), player.playing ? "pause" : "play");
  setIcon(byId("mute"), player.muted ? "muted" : "sound");
  byId("mute").setAttribute("aria-pressed", String(player.muted));
  const label = t(player.playing ? "player.pause" : "player.play");
  byId("play").setAttribute("aria-label", label);
  byId("play").title = label;
}

/**
 * The video takes the place of the analysed picture on the stage. Where its size changes in mid-play, the browser fits it
 * into that place, as the analysis fits such frames into the size of the first.
 */
function fitVideo() {
  if (!view) return;
  const { width, height } = view.result.video;
  const { clientWidth, clientHeight } = byId("stage");
  const { scale, left, top } = contain({ width, height }, { width: clientWidth, height: clientHeight });
  const place = { left, top, width: width * scale, height: height * scale };
  for (const [side, length] of Object.entries(place)) byId("video").style[side] = `${length}px`;
  drawMoment();
}

let shownNote = { text: null, anyway: null };

/** Show `text()` over the stage, with buttons to choose the file and, given `anyway`, to call that; null hides the note. */
function showNote(text, anyway = null) {
  shownNote = { text, anyway };
  byId("stage-note").hidden = text === null;
  byId("file-anyway").hidden = anyway === null;
  byId("stage-note").querySelector("p").textContent = text?.() ?? "";
}

async function makeThumbs(of) {
  if (of.cutting) await of.cutting; // the video is read once at a time
  of.cutting = cutThumbs(of);
  await of.cutting;
}

/** Cut the pictures that are missing. */
async function cutThumbs(of) {
  const start = await player.firstFrame;
  if (view !== of || !player.url) return;
  const faces = of.result.faces.filter((face) => !of.thumbs.has(face.face_id));
  if (!faces.length) return;
  for await (const [id, picture] of thumbnails(player.url, { ...of.result, faces }, start)) {
    if (view !== of) return;
    of.thumbs.set(id, picture);
    placeThumb(id, picture);
  }
}

let chosen = null; // the file chosen last

/** Play a chosen file with a result whose file this page no longer has; one that differs is played only after confirmation. */
async function useFile(file) {
  const of = view;
  chosen = file;
  const current = () => view === of && chosen === file;
  const differs = await compareFile(file, { id: of.entry.id, video: of.result.video }, {
    onSameSize: () => current() && show(file),
    readVideo: factsOfPicture,
  });
  if (!current()) return;
  if (differs) {
    player.detach();
    showNote(differs, () => {
      show(file);
      makeThumbs(of);
    });
    return;
  }
  of.entry.file = file;
  if (of.entry.name === of.entry.id) rename(of.entry, file.name); // the server does not know what the file was called
  byId("video-name").textContent = of.entry.name;
  drawDownloadsOf(of.entry);
  makeThumbs(of);
}

function show(file) {
  showNote(null);
  player.attach(file);
}

/** Picture size and duration of the file just attached, NaN where the browser does not know them. */
async function factsOfPicture() {
  const video = byId("video");
  await new Promise((resolve) => {
    for (const name of ["loadedmetadata", "error"]) video.addEventListener(name, resolve, { once: true });
  });
  if (!player.url) return {};
  const { videoWidth: width, videoHeight: height } = video;
  const length = video.duration - (await player.firstFrame);
  return { width, height, duration: Number.isFinite(length) ? length : NaN };
}

/** A file dropped on an empty stage is played there; elsewhere it is uploaded. */
function handleDrop(event) {
  const [file] = event.dataTransfer.files;
  if (!file || view.entry.file) return;
  event.preventDefault();
  useFile(file);
}

/** Seek to the next or the previous start of a window of any shown face. */
function stepWindow(direction) {
  const edge = player.time + direction * 0.005;
  const shown = includedFaces(view).filter((face) => !view.hidden.has(face.face_id));
  const starts = shown.map((face) => adjacentStart(view.spans.get(face.face_id), edge, direction)).filter((start) => start !== undefined);
  player.pause();
  if (direction > 0) player.seek(Math.min(...starts, player.duration));
  else player.seek(Math.max(...starts, 0));
}

function toggleFace(row) {
  const face = view.result.faces[row];
  if (face) setShown(face.face_id, view.hidden.has(face.face_id));
}

function translate() {
  if (!view) return;
  forgetFaces();
  hideNote();
  drawTexts();
  timeline.movePlayhead(); // its text for screen readers; the drawing has no words
  showNote(shownNote.text, shownNote.anyway);
}

/** Unsaved edits outlast a reload, but not the tab: ask before it closes. */
function askBeforeLeaving(event) {
  if (editor.hasUnsent) event.preventDefault();
}

/** Make the stretch the resting face, or ask for another recording, and show the predictions relative to it. */
function rest() {
  const { relative } = view;
  if (editor.canRest && editor.face && !editor.stretch && !editor.face.baseline) {
    askForResting(editor, view.entry.id, showRelative);
    return;
  }
  view.relative ||= editor.stretch !== null;
  if (!editor.toggleBaseline()) view.relative = relative;
}

function showRelative() {
  view.relative = true;
  redrawEdited();
}

/** Connect the edits. Returns what the keys of the edits do. */
function startEdits() {
  editor.addEventListener("faces", () => view && redrawEdited());
  editor.addEventListener("selection", redrawSelection);
  editor.addEventListener("done", () => { view.stale = true; });
  editor.addEventListener("state", () => {
    if (!view?.stale || editor.unsent) return;
    redrawAnnotatedVideo();
    view.stale = false;
    dropPreview(view.entry.id); // the list shows the result with its edits
  });
  for (const id of ["face-list", "lane-heads"]) startDragging(byId(id), editor, timeline);
  byId("lane-heads").addEventListener("click", ({ target }) => {
    const face = target.closest("[data-face]")?.dataset.face;
    if (face) editor.select(Number(face));
  });
  addEventListener("beforeunload", askBeforeLeaving);
  addEventListener("online", () => editor.retry());
  addEventListener("focus", () => editor.refresh());
  return startEditBar(editor, { player, nameFace, joinFace: () => askWhomToJoin(editor, thumbOf), rest });
}

/** Connect the controls of the result page. */
export function startWorkspace() {
  onChange((entry) => { // the title of a job may arrive after its result
    if (view?.entry === entry) byId("video-name").textContent = entry.name;
  });
  const click = (id, action) => byId(id).addEventListener("click", action);
  click("play", () => player.toggle());
  click("frame-back", () => player.step(-1));
  click("frame-forward", () => player.step(1));
  click("window-back", () => stepWindow(-1));
  click("window-forward", () => stepWindow(1));
  click("mute", () => player.toggleSound());
  click("show-keys", showKeys);
  click("stage", (event) => event.target.closest(".stage-note") || player.toggle());
  byId("stage").addEventListener("drop", handleDrop);
  byId("speed").addEventListener("change", (event) => { player.speed = Number(event.target.value); });
  byId("own-file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) useFile(file);
  });
  byId("relative").addEventListener("change", ({ target }) => {
    view.relative = target.checked;
    redrawEdited();
  });
  byId("table").addEventListener("toggle", () => view && drawRows());
  watchOverflow(byId("table").querySelector(".table-scroll"));
  startFaceList();
  click("file-anyway", () => shownNote.anyway());
  player.addEventListener("time", drawMoment);
  player.addEventListener("state", drawState);
  player.addEventListener("unplayable", () => showNote(() => t("stage.unplayable")));
  new ResizeObserver(fitVideo).observe(byId("stage"));
  startKeyboard(() => view !== null, { player, timeline, stepWindow, toggleFace, edits: startEdits() });
  document.addEventListener("theme", () => view && timeline.draw());
  document.addEventListener("language", translate);
}
