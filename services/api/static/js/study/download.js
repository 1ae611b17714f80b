/** The download of a study's ZIP, which a worker computes. */

import { cancelExport, getExport } from "../api/studies.js";
import { byId, make } from "../common/dom.js";
import { errorTitle, percent, remedy, t } from "../common/i18n.js";

/** How long the object URL stays valid, for the browser to save it. */
const KEPT_MS = 60_000;

const PAUSE_MS = 300;

let controller = null; // of the download that runs

function report(text) {
  byId("study-progress").hidden = !text;
  byId("study-progress").textContent = text;
}

function toggle(running) {
  byId("study-download").disabled = running;
  byId("study-stop").hidden = !running;
}

async function fetchZip(id, signal) {
  for (;;) {
    const found = await getExport(id, signal);
    if (found instanceof Blob) return found;
    report(found.status === "queued" ? t("study.queued") : t("study.computing", { share: percent(found.progress) }));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    signal.throwIfAborted();
  }
}

function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  report(t("study.downloaded", { name }));
}

/**
 * Fetch the ZIP and save it.
 * @param {string} id of the study
 * @param {string} title
 * @returns {Promise<void>}
 */
export async function download(id, title) {
  controller = new AbortController();
  toggle(true);
  report(t("study.queued"));
  try {
    saveFile(await fetchZip(id, controller.signal), `${title.replace(/[\\/:*?"<>|\s]+/g, " ").trim() || "study"}.zip`);
  } catch (problem) {
    if (problem.name === "AbortError") report(t("study.stopped"));
    else report([problem.code === "offline" ? t("trouble.offline") : errorTitle(problem), remedy(problem.code)].filter(Boolean).join(". "));
  } finally {
    controller = null;
    toggle(false);
    byId("study-download").focus();
  }
}

/**
 * Stop the download and the computation.
 * @param {string} id of the study
 */
export function stop(id) {
  controller?.abort();
  cancelExport(id).catch(() => {}); // an export that goes on disturbs nobody
}
