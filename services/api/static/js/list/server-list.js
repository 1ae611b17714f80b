/** The videos on the server that were not sent from this browser: those of the API key, or all of a service without keys. */

import { getJobs } from "../api/client.js";
import { authorization } from "../api/key.js";
import { byId } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { isRemembered, remember } from "../common/remembered.js";
import { addListed, onChange } from "../jobs/jobs.js";

/** Remembered once the list was requested in this browser. */
const KEY = "duygu.server-list";

let cursor = null;
let known = false; // whether a page was loaded
let listed = 0; // jobs so far

/** Show a text below the list; one with a key follows the language. */
function note(key, text = key ? t(key) : "") {
  const element = byId("server-note");
  if (key) element.dataset.i18n = key;
  else delete element.dataset.i18n;
  element.textContent = text;
}

/** What to say below the list. Of an empty list, the page says so itself; a person who asked for it gets an answer. */
function stateOf(requested) {
  if (cursor) return null;
  if (listed) return "jobs.server_all";
  return requested ? "jobs.server_none" : null;
}

/** Add the next page of the server's list. `requested`: whether a person asked for it. */
async function loadMore(requested = false) {
  const button = byId("server-jobs");
  button.disabled = true;
  try {
    const page = await getJobs(cursor);
    page.jobs.forEach(addListed);
    known = true;
    listed += page.jobs.length;
    cursor = page.next_cursor;
    button.hidden = !cursor;
    note(stateOf(requested));
    button.dataset.i18n = "jobs.server_more";
    button.textContent = t("jobs.server_more");
  } catch (problem) {
    note(null, problem.code === "offline" ? t("trouble.offline") : errorTitle(problem));
  } finally {
    button.disabled = false;
  }
}

/** Add the jobs that were submitted elsewhere since the list was loaded. */
async function refresh() {
  if (!known) return;
  const page = await getJobs().catch(() => null); // the next visit tries again
  page?.jobs.forEach(addListed);
}

/**
 * Load the list: with a key at once, since it holds the jobs of this key alone; without keys once a person has requested it in
 * this browser, since on a shared service the names of others are not shown by themselves.
 */
export function startServerList() {
  byId("server-jobs").addEventListener("click", () => {
    remember(KEY);
    loadMore(true);
  });
  addEventListener("focus", refresh);
  onChange(() => {
    if (byId("server-note").dataset.i18n === "jobs.server_none") note(null);
  });
  if (authorization().Authorization || isRemembered(KEY)) loadMore();
}

/** Load the list where all of it belongs to this person: with a key that was just entered, or on a service that keeps results. */
export function loadList() {
  if (!known) loadMore();
}
