/** The page at /study: the recordings of a study in a table, and its ZIP. */

import { Problem } from "../api/client.js";
import { startKey } from "../api/key.js";
import { deleteStudy, getStudy, putStudy } from "../api/studies.js";
import { announce, byId, make } from "../common/dom.js";
import { clock, currentLanguage, errorTitle, setLanguage, t } from "../common/i18n.js";
import { showTrouble } from "../common/trouble.js";
import { COLUMNS, contentOf, freeColumns, MARKER_COLUMNS, MAX_ROWS, newMarker, newRow, SETTINGS } from "../study/content.js";
import { download, stop } from "../study/download.js";
import { drawFaults, faultText } from "../study/faults.js";
import { Grid } from "../study/grid.js";
import { askColumn, pickJobs } from "../study/picker.js";
import { StudySaving } from "../study/saving.js";

const MAX_MARKERS = 2000;

const id = /^#study\/([\w-]+)$/.exec(location.hash)?.[1];

let content = null; // of the study, as this page has changed it
let added = []; // further columns without a row that has them yet
let jobs = new Map(); // id -> job of the study
let faults = [];
let saving = null;

const label = (column) => {
  const key = `study.columns.${column}`;
  const text = t(key);
  return text === key ? column : text;
};

const columnsOf = (names) => names.map((name) => ({ name, label: label(name) }));

const free = () => [...new Set([...freeColumns(content.rows), ...added])];

const pathOf = ({ job_id }) => jobs.get(job_id)?.path ?? job_id;

function headOf(row, index) {
  const job = jobs.get(row.job_id);
  const facts = [job?.duration_s && clock(job.duration_s, 0), job?.faces && t("study.faces", { count: job.faces })].filter(Boolean);
  return [`${index + 1}. ${pathOf(row)}`, make("small", {}, facts.join(" · "))];
}

const rows = new Grid(byId("rows"), {
  rows: () => content.rows,
  columns: () => columnsOf([...COLUMNS, ...free()]),
  caption: "study.rows",
  head: headOf,
  keys: (row) => [pathOf(row), row.job_id],
  remove: (index) => {
    content.rows.splice(index, 1);
    redraw();
  },
  grow: () => {}, // a row needs a video
  addColumns: (names) => { added = [...added, ...names]; },
  onChange: changed,
  onLost: (lost) => { if (lost) announce(t("study.lost", { count: lost })); showLost(lost); },
});

const markers = new Grid(byId("markers"), {
  rows: () => content.markers,
  columns: () => columnsOf(MARKER_COLUMNS),
  caption: "study.markers",
  head: (row, index) => [String(index + 1)],
  keys: () => [],
  remove: (index) => {
    content.markers.splice(index, 1);
    redraw();
  },
  grow: (count) => {
    while (content.markers.length < Math.min(count, MAX_MARKERS)) content.markers.push(newMarker());
  },
  addColumns: () => {},
  onChange: changed,
  onLost: showLost,
});

function showLost(lost) {
  if (!lost) return;
  byId("study-progress").hidden = false;
  byId("study-progress").textContent = t("study.lost", { count: lost });
}

function changed() {
  saving.schedule();
}

function redraw() {
  draw();
  changed();
}

function drawSettings() {
  byId("settings").replaceChildren(...Object.entries(SETTINGS).map(([name, normal]) => {
    const input = make("input", { type: "number", step: "any", min: 0, placeholder: normal, onchange: () => setSetting(name, input) });
    input.value = content.settings[name] ?? "";
    return make("label", {}, t(`study.setting.${name}`), input);
  }));
}

function setSetting(name, input) {
  if (input.value === "") delete content.settings[name];
  else content.settings[name] = Number(input.value);
  changed();
}

function drawFacts() {
  byId("study-facts").textContent = t("study.facts", { count: content.rows.length });
  drawFaults(faults, label, openFault);
  const indexed = (table) => faults.filter((one) => one.table === table).map((one) => ({ row: one.row && one.row - 1, column: one.column, text: faultText(one, label) }));
  rows.mark(indexed("rows"));
  markers.mark(indexed("markers"));
}

function openFault({ table, row, column }) {
  (table === "rows" ? rows : markers).focus(row - 1, column);
}

function draw() {
  byId("language").value = currentLanguage();
  if (!content) return;
  if (document.activeElement !== byId("study-title")) byId("study-title").value = content.title;
  byId("study-title").placeholder = t("study.untitled");
  rows.draw();
  markers.draw();
  drawSettings();
  drawFacts();
}

/** What the service stored: the faults, and the jobs of rows that were added. */
function accept(study) {
  faults = study.faults;
  jobs = new Map(study.jobs.map((job) => [job.job_id, job]));
  drawFacts();
}

function report(state, problem) {
  byId("study-state").textContent = state === "failed" ? `${errorTitle(problem)}. ${problem.message}` : t(`study.state.${state}`);
  byId("study-conflict").hidden = state !== "conflict";
}

function showProblem(problem) {
  byId("study").hidden = true;
  showTrouble(problem);
}

async function load() {
  try {
    if (!id) throw new Problem({ code: "study_not_found", title: "The study does not exist", status: 404 });
    const { study, version } = await getStudy(id);
    content = contentOf(study);
    added = [];
    saving = new StudySaving(version, { put: (known) => putStudy(id, content, known), report, accept });
    byId("trouble").hidden = true;
    byId("study").hidden = false;
    byId("study-conflict").hidden = true;
    accept(study);
    draw();
  } catch (problem) {
    showProblem(problem);
    if (!(problem instanceof Problem)) throw problem;
  }
}

async function addJobs() {
  try {
    const chosen = await pickJobs();
    if (!chosen.length) return;
    const room = chosen.slice(0, MAX_ROWS - content.rows.length);
    content.rows.push(...room.map(({ job_id }) => newRow(job_id, "", free())));
    for (const { job_id, title } of room) if (!jobs.has(job_id)) jobs.set(job_id, { job_id, path: title ?? job_id });
    showLost(chosen.length - room.length);
    redraw();
    rows.focus(content.rows.length - room.length, COLUMNS[0]);
  } catch (problem) {
    report("failed", problem);
  }
}

async function addColumn() {
  const name = await askColumn();
  if (!name) return;
  added.push(name);
  for (const row of content.rows) row.free[name] ??= "";
  redraw();
  rows.focus(0, name);
}

function addMarker() {
  if (content.markers.length >= MAX_MARKERS) return;
  content.markers.push(newMarker());
  redraw();
  markers.focus(content.markers.length - 1, MARKER_COLUMNS[0]);
}

async function startDownload() {
  if (!(await saving.flush())) return;
  if (faults.length) {
    byId("study-faults").scrollIntoView({ block: "nearest" });
    announce(t("study.faults"));
    byId("fault-list").querySelector("button")?.focus();
    return;
  }
  await download(id, content.title);
}

async function erase() {
  if (!window.confirm(t("study.delete_question"))) return;
  try {
    await deleteStudy(id);
    content = saving = null;
    location.href = "/";
  } catch (problem) {
    report("failed", problem);
  }
}

startKey(load);
byId("study-title").addEventListener("input", ({ target }) => {
  content.title = target.value.trim();
  changed();
});
byId("study-add").addEventListener("click", addJobs);
byId("study-column").addEventListener("click", addColumn);
byId("marker-add").addEventListener("click", addMarker);
byId("study-download").addEventListener("click", startDownload);
byId("study-stop").addEventListener("click", () => stop(id));
byId("study-reload").addEventListener("click", load);
byId("study-delete").addEventListener("click", erase);
byId("language").addEventListener("change", ({ target }) => setLanguage(target.value));
document.addEventListener("language", draw);
addEventListener("beforeunload", (event) => { if (saving?.pending) event.preventDefault(); });
addEventListener("hashchange", () => location.reload());
setLanguage();
load();
