/** Calls for the labels of raters. None of their responses contains anything of the model. */

import { requestWithTag } from "./client.js";

const path = (job, rater) => `/v1/jobs/${encodeURIComponent(job)}/labels/${encodeURIComponent(rater)}`;

/**
 * @param {string} job id
 * @param {string} rater name
 * @param {number} minutes length of the task; 0 for whole faces
 * @param {number} seed equal seeds select the same moments
 * @returns {Promise<object>} the task
 * @throws {Problem}
 */
export async function getTask(job, rater, minutes, seed) {
  return (await requestWithTag(`${path(job, rater)}/task?minutes=${minutes}&seed=${seed}`)).body;
}

/**
 * @param {string} job id
 * @param {string} rater name
 * @returns {Promise<{ labels: object[], version: string }>} the stored labels and their ETag
 * @throws {Problem}
 */
export async function getLabels(job, rater) {
  const { body, tag } = await requestWithTag(path(job, rater));
  return { labels: body, version: tag };
}

/**
 * Replace the labels of a rater.
 * @param {string} job id
 * @param {string} rater name
 * @param {object[]} labels
 * @param {string | null} version ETag of the labels that are replaced; null replaces any
 * @returns {Promise<{ labels: object[], version: string }>}
 * @throws {Problem} with status 412 where they have changed since
 */
export async function putLabels(job, rater, labels, version) {
  const headers = { "Content-Type": "application/json", ...(version ? { "If-Match": version } : {}) };
  const { body, tag } = await requestWithTag(path(job, rater), { method: "PUT", headers, body: JSON.stringify(labels) });
  return { labels: body, version: tag };
}
