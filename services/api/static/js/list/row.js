/** One row of the list of videos. */

import { iconButton, make } from "../common/dom.js";
import { currentLanguage, t } from "../common/i18n.js";
import { factTexts, remedyText, stateText } from "../jobs/text.js";
import { hasEnded } from "../jobs/jobs.js";
import { preview } from "./preview-drawing.js";
import { windowsOf } from "../jobs/preview-data.js";
import { knownSketch } from "../jobs/previews.js";
import { mayRetry, needsFile } from "../jobs/uploads.js";

/** What of an entry is not changed in place: with another one its row is made anew. */
const looksOf = (entry, name) =>
  [entry.state, name, entry.annotated, entry.error?.code, mayRetry(entry), needsFile(entry), currentLanguage()].join();

function actions(entry, name, { onRetry, onChoose, onRemove }) {
  const label = hasEnded(entry) ? "jobs.remove" : "jobs.cancel";
  const button = (key, onclick) => make("button", { class: "button small", type: "button", onclick: () => onclick(entry) }, t(key));
  return make("div", { class: "job-actions" },
    mayRetry(entry) ? button("jobs.retry", onRetry) : null,
    needsFile(entry) ? button("jobs.choose_again", onChoose) : null,
    iconButton("close", t(label, { name }), () => onRemove(entry)));
}

function made(entry, name, does) {
  const title = entry.state === "succeeded" ? make("a", { href: `#job/${entry.id}` }, name) : name;
  const mark = entry.annotated ? make("span", { class: "job-mark" }, t("jobs.annotated")) : null;
  const state = make("div", { class: "job-state" }, make("span"));
  if (entry.state === "failed") state.append(make("code", {}, entry.error.code));
  const bar = hasEnded(entry) ? null : make("progress", { "aria-label": name, max: 1 });
  const about = { "data-key": entry.key, "data-state": entry.state, "data-looks": looksOf(entry, name) };
  return make("li", { class: "job", ...about },
    make("div", { class: "job-title" }, make("span", { class: "job-name", title: name }, title), mark),
    actions(entry, name, does), state, make("p", { class: "job-remedy" }), bar);
}

/** Most rows stay as they are while one job goes on. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** How far it is and what was found, in a row that stays: a button that is pressed must be there when it is let go. */
function update(row, entry) {
  setText(row.querySelector(".job-state span"), [stateText(entry), ...factTexts(entry)].join(" · "));
  setText(row.querySelector(".job-remedy"), remedyText(entry) ?? "");
  const bar = row.querySelector("progress");
  if (Number.isFinite(entry.progress)) bar?.setAttribute("value", entry.progress);
  else bar?.removeAttribute("value");
  drawSketch(row, entry);
}

function drawSketch(row, entry) {
  const sketch = entry.state === "succeeded" ? knownSketch(entry.id) : null;
  const windows = sketch ? windowsOf(sketch) : entry.found;
  const drawn = row.querySelector(".preview");
  const looks = [windows?.length ?? 0, sketch ? sketch.duration : entry.duration, currentLanguage()].join();
  if (drawn?.dataset.looks === looks) return;
  drawn?.remove();
  const picture = preview(windows, sketch?.duration ?? entry.duration, t(sketch ? "jobs.sketch" : "jobs.preview"));
  if (!picture) return;
  picture.dataset.looks = looks;
  row.append(picture);
}

/**
 * The row of an entry: `before` where it still serves, else a new one.
 *
 * name  under which the entry is told from others
 * does  { onRetry, onChoose, onRemove }, each called with the entry
 */
export function jobRow(entry, name, before, does) {
  const row = before?.dataset.looks === looksOf(entry, name) ? before : made(entry, name, does);
  update(row, entry);
  return row;
}
