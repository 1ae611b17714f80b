/** The field for the link to a video. */

import { linkSchemes } from "../api/limits.js";
import { byId } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { remedyFor } from "../jobs/text.js";
import { sendLink } from "../jobs/uploads.js";

function showProblem(problem) {
  const title = problem.code === "offline" ? t("trouble.offline") : errorTitle(problem);
  byId("drop-note").textContent = [`${title}.`, remedyFor(problem)].filter(Boolean).join(" ");
}

/** Show the field where the service fetches links. */
export function drawLinkForm() {
  byId("link-form").hidden = !linkSchemes().length;
}

/** Submit the link of the field. */
export function startLinkForm() {
  byId("link-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = byId("link");
    byId("drop-note").textContent = "";
    byId("link-send").disabled = true;
    try {
      await sendLink(field.value.trim(), { annotate: byId("annotate").checked });
      field.value = "";
    } catch (problem) {
      showProblem(problem);
    } finally {
      byId("link-send").disabled = false;
    }
  });
}
