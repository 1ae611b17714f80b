/** The first page: a place to drop videos, and the list of those that were sent. */

import { announce, byId, iconButton, make } from "./dom.js";
import { currentLanguage, errorTitle, percent, span, t, when } from "./i18n.js";
import { all, hasEnded, mayRetry, onChange, remove, send, transmit } from "./jobs.js";
import { preview } from "./preview.js";

/** An estimate of the time left is worth showing only from here on. */
const ESTIMATE_FROM = 0.05;

function stateText(entry) {
  if (entry.trouble) return entry.trouble.code === "offline" ? t("jobs.unreachable") : errorTitle(entry.trouble);
  if (entry.state === "uploading") return t("jobs.uploading", { share: percent(entry.progress ?? 0) });
  if (entry.state === "failed") return errorTitle(entry.error);
  if (entry.state === "running") return runningText(entry);
  return t(`jobs.${entry.state}`, { when: when(entry.added) });
}

function runningText({ progress, since }) {
  if (progress === null || progress === undefined) return t("jobs.running");
  const share = percent(progress);
  if (progress < ESTIMATE_FROM || !since) return t("jobs.running_share", { share });
  const left = ((Date.now() - since) / 1000) * (1 / progress - 1);
  return t("jobs.running_left", { share, left: span(left) });
}

function actions(entry) {
  const label = hasEnded(entry) ? "jobs.remove" : "jobs.cancel";
  return make(
    "div",
    { class: "job-actions" },
    mayRetry(entry) ? make("button", { class: "button small", type: "button", onclick: () => transmit(entry) }, t("jobs.retry")) : null,
    iconButton("close", t(label, { name: entry.name }), () => askAndRemove(entry)),
  );
}

function askAndRemove(entry) {
  if (entry.state !== "succeeded" || window.confirm(t("jobs.erase_question", { name: entry.name }))) remove(entry);
}

/** What of an entry is not changed in place: with another one its item is made anew. */
const looksOf = (entry) => [entry.state, entry.name, entry.error?.code, currentLanguage()].join();

function item(entry) {
  const name = entry.state === "succeeded" ? make("a", { href: `#job/${entry.id}` }, entry.name) : entry.name;
  const state = make("div", { class: "job-state" }, make("span"));
  if (entry.state === "failed") state.append(make("code", {}, entry.error.code));
  const bar = hasEnded(entry) ? null : make("progress", { "aria-label": entry.name, max: 1 });
  const about = { "data-key": entry.key, "data-state": entry.state, "data-looks": looksOf(entry) };
  return make("li", { class: "job", ...about }, make("div", { class: "job-name" }, name), actions(entry), state, bar);
}

/** How far it is and what was found, in an item that stays: a button that is pressed must be there when it is let go. */
function update(item, entry) {
  item.querySelector(".job-state span").textContent = stateText(entry);
  const bar = item.querySelector("progress");
  if (Number.isFinite(entry.progress)) bar?.setAttribute("value", entry.progress);
  else bar?.removeAttribute("value");
  item.querySelector(".preview")?.remove();
  const found = preview(entry.found, entry.duration);
  if (found) item.append(found);
}

export function drawJobs() {
  const entries = all();
  byId("jobs").hidden = entries.length === 0;
  byId("home").classList.toggle("in-use", entries.length > 0);
  keepFocus(() => arrange(byId("job-list"), entries.map(drawn)));
}

function drawn(entry) {
  const before = itemOf(entry.key);
  const now = before?.dataset.looks === looksOf(entry) ? before : item(entry);
  update(now, entry);
  return now;
}

const itemOf = (key) => byId("job-list").querySelector(`[data-key="${key}"]`);

/** Make `items` the children of a list, without taking out those that are in it already. */
function arrange(list, items) {
  for (const item of [...list.children]) if (!items.includes(item)) item.remove();
  for (const [i, item] of items.entries()) if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
}

/** Items may be made anew; whoever has the focus in one keeps it. */
function keepFocus(draw) {
  const inside = (job) => [...(job?.querySelectorAll("a, button") ?? [])];
  const job = document.activeElement?.closest(".job");
  const index = inside(job).indexOf(document.activeElement);
  draw();
  if (index >= 0) inside(itemOf(job.dataset.key))[index]?.focus();
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
    if (event.defaultPrevented || !event.dataTransfer.files.length) return;
    event.preventDefault();
    location.hash = "";
    sendAll(event.dataTransfer.files);
  });
}

export function sendAll(files) {
  const annotate = byId("annotate").checked;
  const awaited = files.length === 1;
  for (const file of files) send(file, { annotate, awaited });
}

/** A file that is on its way is lost with the page. */
function warnBeforeLeaving() {
  addEventListener("beforeunload", (event) => {
    if (all().some((entry) => entry.state === "uploading")) event.preventDefault();
  });
}

export function startHome() {
  warnBeforeLeaving();
  acceptDrops(byId("drop"));
  byId("file").addEventListener("change", (event) => {
    sendAll(event.target.files);
    event.target.value = "";
  });
  onChange((entry, before) => {
    drawSoon();
    tell(entry, before);
  });
}
