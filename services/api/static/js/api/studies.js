/** Calls for studies that the service keeps. */

import { fetchOrOffline, parsed, Problem, requestWithTag } from "./client.js";

const path = (id) => `/v1/studies/${encodeURIComponent(id)}`;

const body = (content) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });

const withVersion = ({ body: study, tag }) => ({ study, version: tag });

/**
 * @param {object} content as POST /v1/studies takes it
 * @returns {Promise<object>} the study
 * @throws {Problem}
 */
export const createStudy = async (content) => (await requestWithTag("/v1/studies", { method: "POST", ...body(content) })).body;

/** @returns {Promise<object[]>} the newest studies of the caller, without their rows */
export const getStudies = async () => (await requestWithTag("/v1/studies?limit=100", {}, { insist: false })).body.studies;

/**
 * @param {string} id
 * @returns {Promise<{ study: object, version: string }>} version: the ETag
 * @throws {Problem}
 */
export const getStudy = async (id) => withVersion(await requestWithTag(path(id)));

/**
 * @param {string} id
 * @param {object} content as PUT /v1/studies/{id} takes it
 * @param {string} version ETag of the study that is replaced
 * @returns {Promise<{ study: object, version: string }>}
 * @throws {Problem} with status 412 where it has changed since
 */
export async function putStudy(id, content, version) {
  const { headers, ...rest } = body(content);
  return withVersion(await requestWithTag(path(id), { method: "PUT", headers: { ...headers, "If-Match": version }, ...rest }));
}

/**
 * @param {string} id
 * @returns {Promise<unknown>}
 */
export const deleteStudy = (id) => requestWithTag(path(id), { method: "DELETE" });

/**
 * Ask for the ZIP once.
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Blob | { status: string, progress: number }>} the state while it is being computed
 * @throws {Problem}
 */
export async function getExport(id, signal) {
  const response = await fetchOrOffline(`${path(id)}/export`, { headers: { Prefer: "wait=2" }, signal });
  if (response.status === 200) return response.blob();
  const found = parsed(await response.text(), response.status);
  if (response.status !== 202) throw new Problem(found);
  return found;
}

/**
 * Stop the computation of the ZIP.
 * @param {string} id
 * @returns {Promise<unknown>}
 */
export const cancelExport = (id) => requestWithTag(`${path(id)}/export`, { method: "DELETE" });
