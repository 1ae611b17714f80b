/** State, facts and remedy of an entry, in the chosen language. */

import { expiryOf, limits } from "../api/limits.js";
import { clock, errorTitle, fileSize, longSpan, percent, remedy, span, t, when } from "../common/i18n.js";

/**
 * The state of an entry, or what went wrong.
 * @param {object} entry
 * @returns {string}
 */
export function stateText(entry) {
  const { state, problem, error, progress } = entry;
  if (problem) return problem.code === "offline" ? t("jobs.unreachable") : errorTitle(problem);
  if (state === "failed") return errorTitle(error);
  if (state === "uploading") return uploadText(entry);
  if (state === "queued" && entry.ahead > 0) return t("jobs.queued_behind", { count: entry.ahead });
  if (state === "running" && entry.stage === "fetching") return fetchingText(entry);
  if (state === "running" && Number.isFinite(progress)) return runningText(entry);
  return t(`jobs.${state}`, { when: when(entry.added) });
}

function uploadText({ progress, foreign }) {
  if (foreign) return t("jobs.uploading_elsewhere");
  return Number.isFinite(progress) ? t("jobs.uploading", { share: percent(progress) }) : t("jobs.upload_waiting");
}

function fetchingText({ fetched, size }) {
  if (!Number.isFinite(fetched) || !fetched) return t("jobs.fetching");
  return size ? t("jobs.fetching_share", { share: percent(fetched / size) }) : t("jobs.fetching_size", { size: fileSize(fetched) });
}

function runningText({ progress, left }) {
  const share = percent(progress);
  return Number.isFinite(left) ? t("jobs.running_left", { share, left: span(left) }) : t("jobs.running_share", { share });
}

/**
 * Faces, length and expiry of a result, or the size of an upload.
 * @param {object} entry
 * @returns {string[]} what is known of them
 */
export function factTexts(entry) {
  const { state, faces, duration, size } = entry;
  const owner = entry.listed && entry.owner ? t("jobs.owner", { owner: entry.owner }) : null; // its own entries need none
  if (state === "succeeded") {
    const expires = expiryOf(entry);
    return [
      Number.isFinite(faces) ? t("result.faces", { count: faces }) : null,
      Number.isFinite(duration) ? clock(duration, 0) : null,
      Number.isFinite(expires) ? t("jobs.kept_until", { when: when(expires) }) : null,
      entry.kept ? t("jobs.kept") : null,
      owner,
    ].filter(Boolean);
  }
  return [state === "uploading" && Number.isFinite(size) ? fileSize(size) : null, owner].filter(Boolean);
}

/**
 * What to do about a failed entry.
 * @param {object} entry
 * @returns {string | null}
 */
export function remedyText({ state, error, problem, size }) {
  if (state !== "failed" || problem) return null;
  return remedyFor(error, { found: Number.isFinite(size) ? fileSize(size) : "?" });
}

/**
 * The remedy for a problem, with the server's limits filled in.
 * @param {{ code: string }} problem
 * @param {Record<string, string>} values of further {placeholders}
 * @returns {string | null} null where there is none, or where a value is unknown
 */
export function remedyFor({ code }, values = {}) {
  const known = limits();
  const bounds = known && { size: fileSize(known.max_upload_bytes), length: longSpan(known.max_duration_s), pixels: (known.max_pixels / 1e6).toFixed(1) };
  const text = remedy(code, { ...bounds, ...values });
  return text?.includes("{") ? null : text;
}
