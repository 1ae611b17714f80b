/** What a rater's page keeps in the browser: labels that the server may not have yet, and the task, for work without a connection. */

const keyOf = (job, rater) => `duygu.labels.${job}.${rater}`;

/**
 * @typedef {object} Draft
 * @property {object} task as GET …/task gives it
 * @property {number} minutes length of the task; 0 for whole faces
 * @property {number} seed of the task
 * @property {import("./answers.js").Label[]} labels of this page
 * @property {import("./answers.js").Label[]} base what the server is known to have
 * @property {string | null} version ETag of `base`; null before there is one
 */

/**
 * @param {string} job
 * @param {string} rater
 * @returns {Draft | null}
 */
export function loadDraft(job, rater) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(job, rater)));
  } catch {
    return null;
  }
}

/**
 * Keep a draft. Where the storage is full, the task is left out, so that the labels are kept.
 * @param {string} job
 * @param {string} rater
 * @param {Draft} draft
 * @returns {boolean} whether the labels are kept
 */
export function keepDraft(job, rater, draft) {
  for (const kept of [draft, { ...draft, task: null }]) {
    try {
      localStorage.setItem(keyOf(job, rater), JSON.stringify(kept));
      return true;
    } catch {
      continue; // full, or forbidden in a private window
    }
  }
  return false;
}

const RATER = "duygu.rater";

/** @returns {string} the name of the rater who labelled last in this browser */
export function lastRater() {
  try {
    return localStorage.getItem(RATER) ?? "";
  } catch {
    return "";
  }
}

/**
 * A name as the service takes it: lower-case letters without accents, digits and hyphens.
 * @param {string} text
 * @returns {string} it may end with a hyphen, as while a name is being entered
 */
export const raterName = (text) =>
  text.toLowerCase().replaceAll("ı", "i").normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^a-z0-9]+/g, "-").replace(/^-/, "").slice(0, 40);

/** @param {string} rater */
export function rememberRater(rater) {
  try {
    localStorage.setItem(RATER, rater);
  } catch {
    // It has to be entered again.
  }
}
