/** The videos on the server that were not sent from this browser: those of the API key, or all of a service without keys. */

import { getJobs } from "../api/client.js";
import { authorization } from "../api/key.js";
import { limits } from "../api/limits.js";
import { byId } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { addListed } from "../jobs/jobs.js";

const KEY = "duygu.server-list";

let cursor = null;
let known = false; // whether a page was loaded

/** Whether the list was requested in this browser before. */
function wasWanted() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

function remember() {
  try {
    localStorage.setItem(KEY, "1");
  } catch {
    // Private windows may forbid storage; the list is then requested on every visit.
  }
}

/** Add the next page of the server's list. */
async function loadMore() {
  const button = byId("server-jobs");
  button.disabled = true;
  try {
    const page = await getJobs(cursor);
    page.jobs.forEach(addListed);
    known = true;
    cursor = page.next_cursor;
    button.hidden = !cursor;
    byId("server-note").textContent = cursor ? "" : t("jobs.server_all");
    button.dataset.i18n = "jobs.server_more";
    button.textContent = t("jobs.server_more");
  } catch (problem) {
    byId("server-note").textContent = problem.code === "offline" ? t("trouble.offline") : errorTitle(problem);
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
 * this browser, since on a shared service the names of others are not shown by themselves. See also loadOwnList.
 */
export function startServerList() {
  byId("server-jobs").addEventListener("click", () => {
    remember();
    loadMore();
  });
  addEventListener("focus", refresh);
  if (authorization().Authorization || wasWanted()) loadMore();
}

/** Load the list at once where the service keeps results, as on the computer of one person: all of them are this person's. */
export function loadOwnList() {
  if (!known && limits()?.keeps_results) loadMore();
}

/** Load the list of a key that was just entered. */
export function useKeyForList() {
  if (!known) loadMore();
}
