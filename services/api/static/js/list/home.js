/** The first page: a place to drop videos, and the list of those that were sent. */

import { announce, byId } from "../common/dom.js";
import { droppedFiles } from "./dropped-files.js";
import { fileSize, longSpan, t } from "../common/i18n.js";
import { distinctNames } from "../jobs/records.js";
import { jobRow } from "./row.js";
import { stateText } from "../jobs/text.js";
import { all, byKey, change, hasEnded, onChange, remove } from "../jobs/jobs.js";
import { limits, loadLimits } from "../api/limits.js";
import { fetchSketch, knownSketch } from "../jobs/previews.js";
import { send, sendAgain, transmit } from "../jobs/uploads.js";

/** Nothing that took time is lost by one click. */
function askAndRemove(entry) {
  const question = hasEnded(entry) ? (entry.state === "succeeded" ? "jobs.erase_question" : null) : "jobs.cancel_question";
  if (!question || window.confirm(t(question, { name: entry.name }))) remove(entry);
}

let wanting = null; // the entry that a file is being chosen for

function chooseAgain(entry) {
  wanting = entry;
  byId("file-again").click();
}

const DOES = { onRetry: transmit, onChoose: chooseAgain, onRemove: askAndRemove };

export function drawJobs() {
  const entries = all();
  byId("jobs").hidden = entries.length === 0;
  byId("home").classList.toggle("in-use", entries.length > 0);
  const names = distinctNames(entries);
  const rows = new Map([...byId("job-list").children].map((row) => [row.dataset.key, row]));
  keepFocus(() => arrange(byId("job-list"), entries.map((entry) => drawn(entry, names.get(entry.key), rows.get(entry.key)))));
}

function drawn(entry, name, before) {
  const row = jobRow(entry, name, before, DOES);
  if (row !== before) seen.observe(row);
  return row;
}

const rowOf = (key) => byId("job-list").querySelector(`[data-key="${key}"]`);

/** Make `rows` the children of a list, without taking out those that are in it already. */
function arrange(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  for (const [i, row] of rows.entries()) if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
}

/** Rows may be made anew; whoever has the focus in one keeps it. */
function keepFocus(draw) {
  const inside = (row) => [...(row?.querySelectorAll("a, button") ?? [])];
  const row = document.activeElement?.closest(".job");
  const index = inside(row).indexOf(document.activeElement);
  draw();
  if (index >= 0) inside(rowOf(row.dataset.key))[index]?.focus({ preventScroll: true });
}

/** Lead the eye back to where a result was opened. */
export function focusRow(id) {
  document.querySelector(`.job a[href="#job/${id}"]`)?.focus({ preventScroll: true });
}

/** Pixels below the window in which rows get their sketches before they are scrolled into sight. */
const AHEAD = 2000;

/** A result is fetched for its sketch once its row is near. */
const seen = new IntersectionObserver((rows) => {
  for (const { isIntersecting, target } of rows) if (isIntersecting) sketchSoon(byKey(target.dataset.key));
}, { rootMargin: `${AHEAD}px 0px` });

async function sketchSoon(entry) {
  if (entry?.state !== "succeeded" || knownSketch(entry.id)) return;
  const found = await fetchSketch(entry.id);
  if (found && byKey(entry.key)) change(entry, { faces: entry.faces ?? found.faces, duration: entry.duration ?? found.duration });
}

let drawing = 0;

/** A job may tell many things between two pictures of the screen. */
function drawSoon() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    drawJobs();
  });
}

/** What became of a video, for those who do not see the list. */
function tell(entry, before) {
  if (entry.state === before) return;
  if (entry.state === "succeeded" || entry.state === "failed") announce(`${entry.name}: ${stateText(entry)}`);
}

/** Files may fall anywhere: a browser would leave the page for one that misses the zone. */
function acceptDrops(zone) {
  const carry = (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  };
  document.addEventListener("dragenter", carry);
  document.addEventListener("dragover", carry);
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (event.defaultPrevented || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    takeDrop(event.dataTransfer);
  });
}

async function takeDrop(carried) {
  const { files, empty } = await droppedFiles(carried);
  if (files.length || empty.length) location.hash = "";
  byId("drop-note").textContent = empty.map((name) => t("drop.no_video_in_folder", { name })).join(" ");
  sendAll(files);
}

export function sendAll(files) {
  const annotate = byId("annotate").checked;
  const awaited = files.length === 1;
  for (const file of files) send(file, { annotate, awaited });
}

/** What is taken and for how long results are kept, before anything is sent. */
export function drawLimits() {
  const known = limits();
  byId("limits").hidden = !known;
  if (!known) return;
  const size = fileSize(known.max_upload_bytes);
  byId("limits").textContent = t("home.limits", { size, length: longSpan(known.max_duration_s), kept: longSpan(known.result_ttl_s) });
}

function startFiles() {
  byId("file").addEventListener("change", ({ target }) => {
    byId("drop-note").textContent = "";
    sendAll(target.files);
    target.value = "";
  });
  byId("file-again").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file && wanting) sendAgain(wanting, file);
  });
}

export function startHome() {
  acceptDrops(byId("drop"));
  startFiles();
  onChange((entry, before) => {
    drawSoon();
    tell(entry, before);
  });
  loadLimits().then(() => { drawLimits(); drawJobs(); }).catch(() => {}); // the page works without; the server refuses what is too large
}
