/** The threshold of `uncertain` of one video: an edit, which its result and every export contain. */

import { addEdit, getEdits } from "../api/client.js";
import { byId } from "../common/dom.js";
import { errorTitle, percent, t } from "../common/i18n.js";

/** Another window may change the edits meanwhile. */
const ATTEMPTS = 3;

let job = null;
let edits = null; // { version, edits }; null where the result cannot be edited
let suggested = null;
let outcome = null; // of the last click, in words

/**
 * Load the threshold that the edits of a job set.
 * @param {string} id
 * @returns {Promise<void>}
 */
export async function loadThreshold(id) {
  job = id;
  edits = await getEdits(id).catch(() => null);
}

/** The threshold in use; null for that of the model. */
const inUse = () => edits?.edits.findLast(({ op }) => op === "threshold")?.uncertain_below ?? null;

/**
 * Draw the buttons.
 * @param {number | null} [threshold] that the labels suggest; the one so far by default
 */
export function drawThreshold(threshold = suggested) {
  suggested = threshold;
  const used = inUse();
  byId("threshold-use").hidden = !edits || threshold === null || threshold === used;
  byId("threshold-reset").hidden = used === null;
  byId("threshold-state").textContent = outcome ?? (used === null ? "" : t("agreement.in_use", { below: percent(used, 1) }));
}

/** Set the threshold; null returns to that of the model. */
async function set(below) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      edits = await addEdit(job, { op: "threshold", uncertain_below: below }, edits.version);
      return;
    } catch (error) {
      if (error.status !== 412 || attempt === ATTEMPTS) throw error;
      edits = await getEdits(job);
    }
  }
}

/** Keep the focus where a button hides. */
function focusShown() {
  const button = [byId("threshold-reset"), byId("threshold-use")].find((one) => !one.hidden);
  (button ?? byId("target")).focus();
}

/**
 * Start the buttons.
 * @param {() => Promise<void>} reload called when the threshold has changed
 */
export function startThreshold(reload) {
  const apply = async (below) => {
    outcome = null;
    try {
      await set(below);
      await reload();
      if (below === null) outcome = t("edits.did.threshold_model");
    } catch (error) {
      if (!error.code) throw error;
      outcome = t("edits.not_saved", { reason: error.code === "offline" ? t("trouble.offline") : errorTitle(error) });
    }
    drawThreshold();
    focusShown();
  };
  byId("threshold-use").addEventListener("click", () => apply(suggested));
  byId("threshold-reset").addEventListener("click", () => apply(null));
}
