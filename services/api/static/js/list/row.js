/** One row of the list of videos. */

import { keepsResults } from "../api/limits.js";
import { iconButton, make } from "../common/dom.js";
import { currentLanguage, t } from "../common/i18n.js";
import { hasEnded } from "../jobs/jobs.js";
import { facesLeftOut, windowsOf } from "../jobs/preview-data.js";
import { cachedPreview } from "../jobs/previews.js";
import { factTexts, remedyText, stateText } from "../jobs/text.js";
import { mayRetry, needsFile } from "../jobs/uploads.js";
import { drawPreview } from "./preview-drawing.js";

/** Whether keeping is a choice: a service that keeps every result has none to offer for a kept one. */
const mayKeep = (entry) => entry.state === "succeeded" && !(entry.kept && keepsResults());

/** The properties that are not updated in place: a row with another signature is replaced. */
const signatureOf = (entry, name, { picking }) =>
  [picking, entry.state, name, entry.annotated, entry.kept, mayKeep(entry), entry.error?.code, mayRetry(entry), needsFile(entry), currentLanguage()].join();

function actions(entry, name, { onRetry, onChoose, onKeep, onRemove }) {
  const label = hasEnded(entry) ? "jobs.remove" : "jobs.cancel";
  const button = (key, onclick) => make("button", { class: "button small", type: "button", onclick: () => onclick(entry) }, t(key));
  return make("div", { class: "job-actions" },
    mayRetry(entry) ? button("jobs.retry", onRetry) : null,
    needsFile(entry) ? button("jobs.choose_again", onChoose) : null,
    mayKeep(entry) ? keepButton(entry, name, onKeep) : null,
    iconButton("close", t(label, { name }), () => onRemove(entry)));
}

function keepButton(entry, name, onKeep) {
  const [text, title] = entry.kept ? ["jobs.is_kept", "jobs.release_hint"] : ["jobs.keep", "jobs.keep_hint"];
  const about = { "aria-pressed": String(Boolean(entry.kept)), "aria-label": t("jobs.keep_of", { name }), title: t(title) };
  return make("button", { class: "button small keep", type: "button", ...about, onclick: () => onKeep(entry) }, t(text));
}

function pickBox(entry, name, { picked, onPick }) {
  const box = make("input", { class: "job-pick", type: "checkbox", "aria-label": t("jobs.pick", { name }), onchange: () => onPick(entry, box.checked) });
  box.checked = picked.has(entry.key);
  return box;
}

function newRow(entry, name, handlers) {
  const title = entry.state === "succeeded" ? make("a", { href: `#job/${entry.id}` }, name) : name;
  const mark = entry.annotated ? make("span", { class: "job-mark" }, t("jobs.annotated")) : null;
  const state = make("div", { class: "job-state" }, make("span"));
  if (entry.state === "failed") state.append(make("code", {}, entry.error.code));
  const bar = hasEnded(entry) ? null : make("progress", { "aria-label": name, max: 1 });
  const about = { "data-key": entry.key, "data-state": entry.state, "data-signature": signatureOf(entry, name, handlers) };
  const pick = handlers.picking && entry.state === "succeeded" ? pickBox(entry, name, handlers) : null;
  return make("li", { class: "job", ...about },
    make("div", { class: "job-title" }, pick, make("span", { class: "job-name", title: name }, title), mark),
    actions(entry, name, handlers), state, make("p", { class: "job-remedy" }), bar);
}

/** Most rows do not change while one job runs. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Update a row in place: replacing it would lose a click between press and release. */
function update(row, entry) {
  setText(row.querySelector(".job-state span"), [stateText(entry), ...factTexts(entry)].join(" · "));
  setText(row.querySelector(".job-remedy"), remedyText(entry) ?? "");
  const bar = row.querySelector("progress");
  if (Number.isFinite(entry.progress)) bar?.setAttribute("value", entry.progress);
  else bar?.removeAttribute("value");
  updatePreview(row, entry);
}

function updatePreview(row, entry) {
  const preview = entry.state === "succeeded" ? cachedPreview(entry.id) : null;
  const windows = preview ? windowsOf(preview) : entry.found;
  const drawn = row.querySelector(".preview");
  const signature = [windows?.length ?? 0, preview ? preview.duration : entry.duration, entry.faces, currentLanguage()].join();
  if (drawn?.dataset.signature === signature) return;
  for (const old of row.querySelectorAll(".preview, .preview-more")) old.remove();
  const picture = drawPreview(windows, preview?.duration ?? entry.duration, t(preview ? "jobs.sketch" : "jobs.preview"));
  if (!picture) return;
  picture.dataset.signature = signature;
  row.append(picture);
  const count = facesLeftOut(windows, entry.faces);
  if (count) row.append(make("p", { class: "preview-more" }, t("jobs.preview_more", { count })));
}

/**
 * The row of an entry.
 * @param {object} entry
 * @param {string} name that tells the entry from others
 * @param {HTMLElement | undefined} before the row so far, reused where it still fits
 * @param {{ picking: boolean, picked: Set<string>, onPick: (entry: object, on: boolean) => void, onRetry: (entry: object) => void, onChoose: (entry: object) => void, onKeep: (entry: object) => void, onRemove: (entry: object) => void }} handlers
 * @returns {HTMLElement}
 */
export function jobRow(entry, name, before, handlers) {
  const row = before?.dataset.signature === signatureOf(entry, name, handlers) ? before : newRow(entry, name, handlers);
  update(row, entry);
  return row;
}
