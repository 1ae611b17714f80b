/** The title of the tab: which video, and how far it is. */

import { percent, t } from "../common/i18n.js";
import { all, byJob, hasEnded } from "../jobs/jobs.js";

/** Of what went wrong, of the job `id`, or, on the first page, of the newest video that was sent from it or is still on its way. */
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
