/** The list of the person's videos, a row each. */

import { announce, byId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { all, byKey, change, hasEnded, onChange, remove, toggleKept } from "../jobs/jobs.js";
import { cachedPreview, fetchPreview } from "../jobs/previews.js";
import { distinctNames } from "../jobs/records.js";
import { stateText } from "../jobs/text.js";
import { sendAgain, transmit } from "../jobs/uploads.js";
import { FORMATS } from "../result/downloads.js";
import { jobRow } from "./row.js";
import { saveArchive, saveJointTable } from "./saved-together.js";
import { makeStudy } from "./study-list.js";

/** Pixels below the window in which previews are loaded before their rows are scrolled into view. */
const PRELOAD_PX = 2000;

/** Cancelling and erasing need a confirmation; removing a failed upload loses nothing. */
function confirmRemoval(entry) {
  const question = hasEnded(entry) ? (entry.state === "succeeded" ? "jobs.erase_question" : null) : "jobs.cancel_question";
  if (!question || window.confirm(t(question, { name: entry.name }))) remove(entry);
}

let retried = null; // the entry that a file is being chosen for

function chooseAgain(entry) {
  retried = entry;
  byId("file-again").click();
}

/** Keep a result or let it expire again; a refusal is shown at the row's state until its next change. */
async function keep(entry) {
  try {
    await toggleKept(entry);
    announce(t(entry.kept ? "jobs.kept" : "jobs.not_kept"));
  } catch (problem) {
    change(entry, { problem });
  }
}

const handlers = { picking: false, picked: new Set(), onPick: pick, onRetry: transmit, onChoose: chooseAgain, onKeep: keep, onRemove: confirmRemoval };

/** Fewest entries for which the list can be searched and selected from. */
const FEW = 3;

const matchesSearch = ({ name }) => name.toLocaleLowerCase().includes(byId("job-search").value.trim().toLocaleLowerCase());

/** Which entries each choice of the filter shows. */
const FILTERS = {
  all: () => true,
  ready: ({ state }) => state === "succeeded",
  kept: ({ kept, state }) => state === "succeeded" && Boolean(kept),
  active: (entry) => !hasEnded(entry),
  without_result: (entry) => hasEnded(entry) && entry.state !== "succeeded",
};

const isShown = (entry) => matchesSearch(entry) && FILTERS[byId("job-filter").value](entry);

function pick(entry, on) {
  if (on) handlers.picked.add(entry.key);
  else handlers.picked.delete(entry.key);
  drawBulk();
}

const pickedEntries = () => all().filter((entry) => handlers.picked.has(entry.key) && entry.state === "succeeded" && isShown(entry)); // nothing hidden is erased

function drawBulk() {
  const count = pickedEntries().length;
  byId("job-actions").hidden = !handlers.picking;
  byId("job-count").textContent = t("jobs.picked", { count });
  for (const id of ["bulk-csv", "bulk-study", "bulk-zip", "bulk-erase"]) byId(id).disabled = count === 0;
}

function togglePicking() {
  handlers.picking = !handlers.picking;
  handlers.picked.clear();
  byId("job-select").setAttribute("aria-pressed", String(handlers.picking));
  drawJobs();
}

function erasePicked() {
  const entries = pickedEntries();
  if (window.confirm(t("jobs.bulk_question", { count: entries.length }))) entries.forEach((entry) => remove(entry));
}

/** Draw the list, keeping rows and focus. */
export function drawJobs() {
  const everything = all();
  const entries = everything.filter(isShown);
  byId("jobs").hidden = everything.length === 0;
  for (const id of ["job-search", "job-select", "job-filter"]) byId(id).hidden = everything.length < FEW;
  byId("no-match").hidden = entries.length > 0 || everything.length === 0;
  drawBulk();
  byId("home").classList.toggle("in-use", everything.length > 0);
  const names = distinctNames(everything);
  const rows = new Map([...byId("job-list").children].map((row) => [row.dataset.key, row]));
  keepFocus(() => arrange(byId("job-list"), entries.map((entry) => rowFor(entry, names.get(entry.key), rows.get(entry.key)))));
}

function rowFor(entry, name, before) {
  const row = jobRow(entry, name, before, handlers);
  if (row !== before) nearby.observe(row);
  return row;
}

const rowOf = (key) => byId("job-list").querySelector(`[data-key="${key}"]`);

/** Make `rows` the children of a list without detaching those that are in it already. */
function arrange(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  for (const [i, row] of rows.entries()) if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
}

/** Restore the focus where drawing replaced the row that held it. */
function keepFocus(draw) {
  const controls = (row) => [...(row?.querySelectorAll("a, button") ?? [])];
  const row = document.activeElement?.closest(".job");
  const index = controls(row).indexOf(document.activeElement);
  draw();
  if (index >= 0) controls(rowOf(row.dataset.key))[index]?.focus({ preventScroll: true });
}

/**
 * Focus the link of a job, as after returning from its result.
 * @param {string} id
 */
export function focusRow(id) {
  document.querySelector(`.job a[href="#job/${id}"]`)?.focus({ preventScroll: true });
}

const nearby = new IntersectionObserver((rows) => {
  for (const { isIntersecting, target } of rows) if (isIntersecting) loadPreview(byKey(target.dataset.key));
}, { rootMargin: `${PRELOAD_PX}px 0px` });

async function loadPreview(entry) {
  if (entry?.state !== "succeeded" || cachedPreview(entry.id)) return;
  const found = await fetchPreview(entry.id);
  if (found && byKey(entry.key)) change(entry, { faces: entry.faces ?? found.faces, duration: entry.duration ?? found.duration });
}

let frame = 0; // the animation frame that will draw

/** Draw with the next animation frame: a job may report several changes before it. */
function drawSoon() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    drawJobs();
  });
}

/** Announce the end of a job to screen readers. */
function announceEnd(entry, before) {
  if (entry.state === before) return;
  if (entry.state === "succeeded" || entry.state === "failed") announce(`${entry.name}: ${stateText(entry)}`);
}

/** Redraw the list whenever an entry changes. */
export function startJobList() {
  byId("file-again").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file && retried) sendAgain(retried, file);
  });
  byId("job-search").addEventListener("input", drawJobs);
  byId("job-filter").addEventListener("change", drawJobs);
  byId("job-select").addEventListener("click", togglePicking);
  byId("bulk-erase").addEventListener("click", erasePicked);
  byId("bulk-study").addEventListener("click", () => makeStudy(pickedEntries()));
  byId("bulk-csv").addEventListener("click", () => saveJointTable(pickedEntries()));
  byId("bulk-format").append(...FORMATS.map((format) => new Option(format.toUpperCase(), format, format === "json", format === "json")));
  byId("bulk-zip").addEventListener("click", () => saveArchive(pickedEntries(), byId("bulk-format").value));
  onChange((entry, before) => {
    drawSoon();
    announceEnd(entry, before);
  });
}
