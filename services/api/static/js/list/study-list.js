/** The studies that the service keeps, and a new one of selected videos. */

import { authorization } from "../api/key.js";
import { createStudy, getStudies } from "../api/studies.js";
import { byId, make } from "../common/dom.js";
import { errorTitle, t, when } from "../common/i18n.js";
import { isRemembered, remember } from "../common/remembered.js";
import { newRow } from "../study/content.js";

/** Remembered once this browser has made a study: on a service without keys, the studies of others are not shown by themselves. */
const KEY = "duygu.studies";

let studies = [];

/** Draw the list. */
export function drawStudies() {
  byId("studies").hidden = !studies.length;
  byId("study-list").replaceChildren(...studies.map(({ study_id, title, rows, changed_at }) => make("li", {},
    make("a", { href: `/study#study/${study_id}` }, title || t("study.untitled")),
    make("span", {}, `${t("study.facts", { count: rows })} · ${when(new Date(changed_at))}`))));
}

/** Load the list. */
export async function loadStudies() {
  studies = await getStudies().catch(() => studies); // the next visit tries again
  drawStudies();
}

/** Load the list where it belongs to this key, or this browser has made a study. */
export function startStudyList() {
  byId("server-jobs").addEventListener("click", loadStudies);
  if (authorization().Authorization || isRemembered(KEY)) loadStudies();
}

/** The name of a video without its ending: a first participant. */
const stem = (name) => name.replace(/\.[^.]*$/, "");

/**
 * Keep a study of these videos and open it.
 * @param {{ id: string, name: string }[]} entries
 * @returns {Promise<void>}
 */
export async function makeStudy(entries) {
  try {
    const oldestFirst = [...entries].reverse();
    const study = await createStudy({ rows: oldestFirst.map(({ id, name }) => newRow(id, stem(name).slice(0, 200))) });
    remember(KEY);
    location.href = `/study#study/${study.study_id}`;
  } catch (problem) {
    byId("job-count").textContent = errorTitle(problem);
  }
}
