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

/** The list is made anew; whoever has the focus in it keeps it. */
function redrawFaces() {
  const focused = document.activeElement?.closest("#face-list .face")?.dataset.face;
  drawFaces(view, (id, shown) => setShown(id, shown));
  if (focused) document.querySelector(`[data-face="${focused}"] input`)?.focus();
  timeline.draw();
  drawMoment();
}

function setShown(id, shown) {
  if (shown) view.hidden.delete(id);
  else view.hidden.add(id);
  redrawFaces();
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

let noted = { key: null };

/** Tell something over the stage, with the offer to choose the file; null takes it away. */
function note(key, values) {
  noted = { key, values };
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

let chosen = null; // the file that was chosen last

/** Take the person's file to a result whose file this page no longer has. Another video is shown, but not taken for the result's. */
async function takeFile(file) {
  const of = view;
  chosen = file;
  player.attach(file);
  note(null);
  const found = await lengthOfFile();
  if (view !== of || chosen !== file) return;
  if (Number.isFinite(found) && Math.abs(found - player.duration) > SAME_S) {
    note("stage.other", { found: clock(found), wanted: clock(player.duration) });
    return;
  }
  of.entry.file = file;
  drawDownloads(of.entry);
  makeThumbs(of);
}

/** Seconds from the first picture to the end of the file that was just attached; NaN where this browser cannot play it. */
async function lengthOfFile() {
  const video = byId("video");
  await new Promise((resolve) => {
    for (const name of ["loadedmetadata", "error"]) video.addEventListener(name, resolve, { once: true });
  });
  return player.url ? video.duration - (await player.pictured) : NaN;
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

function translate() {
  if (!view) return;
  drawAll();
  note(noted.key, noted.values);
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
  byId("own-file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) takeFile(file);
  });
  player.addEventListener("time", drawMoment);
  player.addEventListener("state", drawState);
  player.addEventListener("unplayable", () => note("stage.unplayable"));
  new ResizeObserver(drawMoment).observe(byId("stage"));
  startKeyboard(() => view !== null, { player, timeline, stepWindow, toggleFace });
  document.addEventListener("theme", () => view && timeline.draw());
  document.addEventListener("language", translate);
}
