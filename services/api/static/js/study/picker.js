/** The dialogs of a study: videos to add, and the name of a column. */

import { getJobs } from "../api/client.js";
import { make } from "../common/dom.js";
import { when, t } from "../common/i18n.js";

function open(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    resolve(dialog.returnValue === "use");
    dialog.remove();
  }, { once: true }));
}

const actions = (use) => make("div", { class: "dialog-actions" },
  make("button", { class: "button primary", value: "use" }, t(use)),
  make("button", { class: "button", value: "", formnovalidate: true }, t("close")));

function boxOf({ job_id, title, created_at }) {
  const box = make("input", { type: "checkbox", value: job_id });
  return make("li", {}, make("label", { class: "check" }, box, `${title ?? job_id} · ${when(new Date(created_at))}`));
}

/** Finished jobs of the caller, newest first. */
async function finishedJobs() {
  const found = [];
  let cursor = null;
  do {
    const page = await getJobs(cursor);
    found.push(...page.jobs.filter(({ status }) => status === "succeeded"));
    cursor = page.next_cursor;
  } while (cursor && found.length < 1000);
  return found;
}

/**
 * Let videos be chosen.
 * @returns {Promise<{ job_id: string, title: string | null }[]>} the chosen jobs
 * @throws {import("../api/client.js").Problem}
 */
export async function pickJobs() {
  const jobs = await finishedJobs();
  const list = make("ul", {}, ...jobs.map(boxOf));
  const dialog = make("dialog", { class: "picker", "aria-labelledby": "picker-title" },
    make("h2", { id: "picker-title" }, t("study.add")),
    make("form", { method: "dialog" }, jobs.length ? list : make("p", {}, t("study.no_jobs")), actions("study.use_jobs")));
  if (!(await open(dialog))) return [];
  const chosen = new Set([...list.querySelectorAll(":checked")].map(({ value }) => value));
  return jobs.filter(({ job_id }) => chosen.has(job_id)).reverse();
}

/**
 * Ask for the name of a column.
 * @returns {Promise<string>} empty where there is none
 */
export async function askColumn() {
  const input = make("input", { id: "column-name", type: "text", maxlength: 60, required: true, autocomplete: "off" });
  const dialog = make("dialog", { class: "picker", "aria-labelledby": "picker-title" },
    make("h2", { id: "picker-title" }, t("study.add_column")),
    make("form", { method: "dialog" },
      make("p", {}, make("label", { for: "column-name" }, t("study.column_name"))), input, actions("study.use_column")));
  return (await open(dialog)) ? input.value.trim() : "";
}
