/** The result page: the person's own video with boxes over it, faces, timeline, table and downloads. */

import { getResult } from "../api/client.js";
import { announce, byId, make, setIcon } from "../common/dom.js";
import { clock, t } from "../common/i18n.js";
import { watchOverflow } from "../common/overflow.js";
import { compareFile } from "../file-check/comparison.js";
import { rename } from "../jobs/jobs.js";
import { contain } from "../overlay/contain.js";
import { drawOverlay } from "../overlay/overlay.js";
import { drawLegend } from "../timeline/legend.js";
import { adjacentStart, spansOf } from "../timeline/timebase.js";
import { Timeline } from "../timeline/timeline.js";
import { drawDownloads } from "./downloads.js";
import { drawFaces, placeThumb, startFaceList, updateFaces } from "./face-list.js";
import { drawKeys, showKeys, startKeyboard } from "./keyboard.js";
import { Player } from "./player.js";
import { drawModel } from "./reliability.js";
import { drawTable } from "./table.js";
import { thumbnails } from "./thumbnails.js";

const FRAME_S = 1 / 30;

const factsOf = (result) =>
  t("result.facts", {
    duration: clock(result.video.duration_s),
    width: result.video.width,
    height: result.video.height,
    faces: t("result.faces", { count: result.faces.length }),
  });

const player = new Player(byId("video"));
const timeline = new Timeline(player);
let view = null;

/**
 * Fetch a result and show it.
 * @param {object} entry
 * @param {() => boolean} wanted whether the result is still wanted when it arrives
 * @returns {Promise<void>}
 * @throws {Problem}
 */
export async function openWorkspace(entry, wanted) {
  if (view?.entry === entry) return;
  closeWorkspace();
  const result = await getResult(entry.id);
  if (!wanted() || view?.entry === entry) return;
  view = {
    entry,
    result,
    spans: new Map(result.faces.map((face) => [face.face_id, spansOf(face)])),
    hidden: new Set(),
    thumbs: new Map(),
  };
  const { duration_s: duration, frames_decoded: frames, width, height } = result.video;
  byId("stage").style.aspectRatio = `${width} / ${height}`;
  byId("workspace").hidden = false;
  fitVideo();
  player.open({ duration, frame: frames ? duration / frames : FRAME_S, file: entry.file });
  drawAll();
  timeline.show(view);
  showNote(entry.file ? null : () => t("stage.missing"));
  if (entry.file) makeThumbs(view);
  announce(t("result.ready", { name: entry.name, faces: t("result.faces", { count: result.faces.length }) }));
}

/** Hide the result and stop the player. */
export function closeWorkspace() {
  player.pause();
  player.detach();
  view = null;
  byId("workspace").hidden = true;
}

function drawAll() {
  drawTexts();
  timeline.draw();
}

function drawTexts() {
  const { entry, result } = view;
  byId("video-name").textContent = entry.name;
  byId("video-facts").textContent = factsOf(result);
  byId("warnings").hidden = result.warnings.length === 0;
  byId("warnings").replaceChildren(...result.warnings.map(({ detail }) => make("li", {}, detail)));
  drawRows();
  drawLegend(result.model.labels, isAllUncertain(result) ? t("timeline.all_uncertain") : null);
  drawDownloads(entry);
  drawKeys();
  drawModel();
  redrawFaces();
  drawState();
}

/** The table is drawn when it is opened. */
function drawRows() {
  const box = byId("table").querySelector(".table-scroll");
  if (byId("table").open) drawTable(box, view.result);
  else box.replaceChildren();
}

function isAllUncertain({ faces }) {
  const known = faces.filter((face) => face.windows.length > 0);
  return known.length > 0 && known.every((face) => face.windows.every((window) => window.uncertain));
}

/** Redraw the cards, keeping the focus. */
function redrawFaces() {
  const focused = document.activeElement?.closest("#face-list .face")?.dataset.face;
  drawFaces(view, (id, shown) => setShown(id, shown));
  if (focused) document.querySelector(`[data-face="${focused}"] input`)?.focus();
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
  const start = await player.firstFrame;
  if (view !== of || !player.url) return;
  for await (const [id, picture] of thumbnails(player.url, of.result, start)) {
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
  drawDownloads(of.entry);
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
  const shown = view.result.faces.filter((face) => !view.hidden.has(face.face_id));
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
  drawTexts();
  timeline.movePlayhead(); // its text for screen readers; the drawing has no words
  showNote(shownNote.text, shownNote.anyway);
}

/** Connect the controls of the result page. */
export function startWorkspace() {
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
  byId("table").addEventListener("toggle", () => view && drawRows());
  watchOverflow(byId("table").querySelector(".table-scroll"));
  startFaceList();
  click("file-anyway", () => shownNote.anyway());
  player.addEventListener("time", drawMoment);
  player.addEventListener("state", drawState);
  player.addEventListener("unplayable", () => showNote(() => t("stage.unplayable")));
  new ResizeObserver(fitVideo).observe(byId("stage"));
  startKeyboard(() => view !== null, { player, timeline, stepWindow, toggleFace });
  document.addEventListener("theme", () => view && timeline.draw());
  document.addEventListener("language", translate);
}
