/** The title of the tab: name and state of a video. */

import { percent, t } from "../common/i18n.js";
import { all, byJob, hasEnded } from "../jobs/jobs.js";

/**
 * Set the title of the tab: the problem, else the job, else the newest upload of this page or what still runs.
 * @param {string | undefined} id of the job that is shown
 * @param {string | null} problem title of the problem that is shown
 */
export function drawTitle(id, problem) {
  if (problem) {
    document.title = `${problem} – Duygu`;
    return;
  }
  const entry = id ? byJob(id) : all().find((one) => one.file || !hasEnded(one));
  document.title = entry ? `${titleText(entry)} – Duygu` : "Duygu";
}

function titleText({ name, state, progress }) {
  const share = progress ? percent(progress) : "…";
  return t(`title.${state}`, { name, share });
}
