/** The videos on the server that were not sent from this browser: those of the API key, or all of a service without keys. */

import { getJobs } from "../api/client.js";
import { byId } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { addListed } from "../jobs/jobs.js";

let cursor = null;

/** Add the next page of the server's list. */
async function loadMore() {
  const button = byId("server-jobs");
  button.disabled = true;
  try {
    const page = await getJobs(cursor);
    page.jobs.forEach(addListed);
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

/** Load the list on request only: on a shared computer the names of others are not shown by themselves. */
export function startServerList() {
  byId("server-jobs").addEventListener("click", loadMore);
}
