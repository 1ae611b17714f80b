/** One result: the person's own video with boxes over it, and the timeline below. */

import { getResult } from "./api.js";
import { announce, byId, make, setIcon } from "./dom.js";
import { drawDownloads } from "./downloads.js";
import { drawFaces, placeThumb, updateFaces } from "./faces.js";
import { clock, t } from "./i18n.js";
import { drawKeys, showKeys, startKeyboard } from "./keyboard.js";
import { drawLegend } from "./legend.js";
import { drawOverlay } from "./overlay.js";
import { Player } from "./player.js";
import { windowTable } from "./table.js";
import { thumbnails } from "./thumbnails.js";
import { spansOf } from "./timebase.js";
import { Timeline } from "./timeline.js";
import { drawModel } from "./trust.js";

/** A file whose length differs by more than this, in seconds, is another video. */
const SAME_S = 1;
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

/** Fetch a result and show it if it is still `wanted()` then. Raises the server's problem when there is none. */
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
  player.open({ duration, frame: frames ? duration / frames : FRAME_S, file: entry.file });
  drawAll();
  timeline.show(view);
  note(entry.file ? null : "stage.missing");
  if (entry.file) makeThumbs(view);
  announce(t("result.ready", { name: entry.name, faces: t("result.faces", { count: result.faces.length }) }));
}

export function closeWorkspace() {
  player.pause();
  player.detach();
  view = null;
  byId("workspace").hidden = true;
}

function drawAll() {
  const { entry, result } = view;
  byId("video-name").textContent = entry.name;
  byId("video-facts").textContent = factsOf(result);
  byId("warnings").hidden = result.warnings.length === 0;
  byId("warnings").replaceChildren(...result.warnings.map(({ detail }) => make("li", {}, detail)));
  byId("table").querySelector(".table-scroll").replaceChildren(windowTable(result));
  drawLegend(result.model.labels);
  drawDownloads(entry);
  drawKeys();
  drawModel();
  redrawFaces();
  drawState();
}

function redrawFaces() {
  drawFaces(view, (id, shown) => setShown(id, shown));
  timeline.draw();
  drawMoment();
}

function setShown(id, shown) {
  if (shown) view.hidden.delete(id);
  else view.hidden.add(id);
  redrawFaces();
  document.querySelector(`[data-face="${id}"] input`)?.focus();
}

function drawMoment() {
  if (!view) return;
  drawOverlay(byId("overlay"), view, player.time);
  timeline.followHead();
  timeline.moveHead();
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

/** Tell something over the stage, with the offer to choose the file; null takes it away. */
function note(key, values) {
  byId("stage-note").hidden = key === null;
  if (key) byId("stage-note").querySelector("p").textContent = t(key, values);
}

async function makeThumbs(of) {
  const start = await player.pictured;
  if (view !== of || !player.url) return;
  for await (const [id, picture] of thumbnails(player.url, of.result, start)) {
    if (view !== of) return;
    of.thumbs.set(id, picture);
    placeThumb(id, picture);
  }
}

/** Take the person's file to a result whose file this page no longer has. */
function takeFile(file) {
  view.entry.file = file;
  player.attach(file);
  note(null);
  drawDownloads(view.entry);
  byId("video").addEventListener("loadedmetadata", checkLength, { once: true });
  makeThumbs(view);
}

async function checkLength() {
  const found = byId("video").duration - (await player.pictured);
  if (Number.isFinite(found) && Math.abs(found - player.duration) > SAME_S) {
    note("stage.other", { found: clock(found), wanted: clock(player.duration) });
  }
}

/** What is dropped on a stage without a picture is the picture; elsewhere it is another video to analyse. */
function takeDrop(event) {
  const [file] = event.dataTransfer.files;
  if (!file || view.entry.file) return;
  event.preventDefault();
  takeFile(file);
}

/** To the next or the previous beginning of a window of any shown face. */
function stepWindow(way) {
  const shown = view.result.faces.filter((face) => !view.hidden.has(face.face_id));
  const starts = shown.flatMap((face) => view.spans.get(face.face_id).map((span) => span.start)).sort((a, b) => a - b);
  const edge = player.time + way * 0.005;
  const next = way > 0 ? starts.find((start) => start > edge) : starts.findLast((start) => start < edge);
  player.pause();
  player.seek(next ?? (way > 0 ? player.duration : 0));
}

function toggleFace(row) {
  const face = view.result.faces[row];
  if (face) setShown(face.face_id, view.hidden.has(face.face_id));
}

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
  byId("stage").addEventListener("drop", takeDrop);
  byId("speed").addEventListener("change", (event) => { player.speed = Number(event.target.value); });
  byId("own-file").addEventListener("change", (event) => event.target.files[0] && takeFile(event.target.files[0]));
  player.addEventListener("time", drawMoment);
  player.addEventListener("state", drawState);
  player.addEventListener("unplayable", () => note("stage.unplayable"));
  new ResizeObserver(drawMoment).observe(byId("stage"));
  startKeyboard(() => view !== null, { player, timeline, stepWindow, toggleFace });
  document.addEventListener("theme", () => view && timeline.draw());
  document.addEventListener("language", () => view && drawAll());
}
