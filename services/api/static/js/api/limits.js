/** Limits of an upload, and the retention of results. */

import { getLimits, Problem } from "./client.js";

let known = null; // as GET /v1/limits gives it

/** @returns {object | null} the limits as GET /v1/limits gives them; null until they are loaded */
export const limits = () => known;

/**
 * Load the limits.
 * @returns {Promise<void>}
 * @throws {Problem}
 */
export async function loadLimits() {
  known = await getLimits();
}

/** @returns {boolean} whether the server keeps results until they are deleted, as on the computer of one person */
export const keepsResults = () => Boolean(known?.keeps_results);

/** @returns {string[]} schemes of the links that the server fetches */
export const linkSchemes = () => known?.link_schemes ?? [];

/** @returns {boolean} whether the server takes uploads in parts */
export const takesParts = () => Boolean(known?.upload_ttl_s);

/**
 * Why the server would refuse a file. Checking first saves uploading what is too large.
 * @param {{ size: number }} file size in bytes
 * @returns {Problem | null} null where nothing speaks against the upload
 */
export function refusal(file) {
  if (!known || file.size <= known.max_upload_bytes) return null;
  return new Problem({ code: "too_large", title: "The upload is too large", status: 413 });
}

/**
 * When a result is erased: `expires` of the job, else by when it ended.
 * @param {{ expires?: number, ended?: number, kept?: boolean }} entry times in ms since 1970
 * @returns {number | null | undefined} ms since 1970; nothing while unknown, and for a kept result
 */
export function expiryOf({ expires, ended, kept }) {
  if (kept) return null;
  return expires ?? (ended && known ? ended + known.result_ttl_s * 1000 : null);
}
