/** Client of the HTTP interface, as far as the pages need it. */

import { authorization, fetchWithKey, promptForKey } from "./key.js";

/** A failure of a call: the server's problem (RFC 9457), or `offline` where no response came. */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    Object.assign(this, { code: problem.code, title: problem.title, status: problem.status });
  }
}

/** The problem of a call without a response. */
export const OFFLINE = { code: "offline", title: "The server does not respond", status: 0 };

/**
 * Parse the body of a response. One that is no JSON is a problem.
 * @param {string} text
 * @param {number} status of the response
 * @returns {any}
 */
export function parsed(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    return { code: "internal", title: `The server responded with ${status}`, status };
  }
}

/**
 * fetch() with the key, which throws a problem where no response came.
 * @param {string} path
 * @param {RequestInit} options
 * @param {object} keyOptions as for `fetchWithKey`
 * @returns {Promise<Response>}
 * @throws {Problem}
 */
export async function fetchOrOffline(path, options, keyOptions) {
  try {
    return await fetchWithKey(path, options, keyOptions);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(OFFLINE);
  }
}

/**
 * A call with a JSON response, and the version of its body.
 * @param {string} path
 * @param {RequestInit} options
 * @param {object} keyOptions as for `fetchWithKey`
 * @returns {Promise<{ body: any, tag: string | null }>} tag: the ETag
 * @throws {Problem}
 */
export async function requestWithTag(path, options = {}, keyOptions = {}) {
  const response = await fetchOrOffline(path, options, keyOptions);
  if (response.status === 204) return { body: null, tag: null };
  const body = parsed(await response.text(), response.status);
  if (!response.ok) throw new Problem(body);
  return { body, tag: response.headers.get("ETag") };
}

const requestJson = async (path, options, keyOptions) => (await requestWithTag(path, options, keyOptions)).body;

/**
 * A job, and the time of the response by the server's clock. Jobs are polled, so a refused prompt for a key is not repeated.
 * @param {string} id
 * @returns {Promise<{ job: object, serverTime: number }>} the job as GET /v1/jobs/{id} describes it; ms since 1970
 * @throws {Problem}
 */
export async function getJobWithTime(id) {
  const response = await get(`/v1/jobs/${encodeURIComponent(id)}`, { insist: false });
  const job = parsed(await response.text(), response.status);
  return { job, serverTime: Date.parse(response.headers.get("date")) || Date.now() };
}

/**
 * @param {string} id
 * @returns {Promise<object>} the job as GET /v1/jobs/{id} describes it
 */
export const getJob = async (id) => (await getJobWithTime(id)).job;

/**
 * @param {string} id
 * @returns {Promise<object>} the computed result in JSON, without its edits
 */
export const getResult = (id) => requestJson(`/v1/jobs/${encodeURIComponent(id)}/result?edited=false`);

const editsLink = (id) => `/v1/jobs/${encodeURIComponent(id)}/edits`;

/** A change of the edits is refused with 412 where `version` is no longer theirs. */
const ifMatch = (version) => ({ "If-Match": `"${version}"` });

/**
 * @param {string} id
 * @returns {Promise<{ version: number, edits: object[] }>} the edits of a result
 */
export const getEdits = (id) => requestJson(editsLink(id), {}, { insist: false });

/**
 * @param {string} id
 * @param {object} edit as POST /v1/jobs/{id}/edits takes it
 * @param {number} version of the edits that it is added to
 * @returns {Promise<{ version: number, edits: object[] }>} the edits with this one
 * @throws {Problem}
 */
export const addEdit = (id, edit, version) =>
  requestJson(editsLink(id), { method: "POST", body: JSON.stringify(edit), headers: { "Content-Type": "application/json", ...ifMatch(version) } });

/**
 * Undo the last edit.
 * @param {string} id
 * @param {number} version of the edits
 * @returns {Promise<{ version: number, edits: object[] }>} the edits that remain
 * @throws {Problem}
 */
export const undoEdit = (id, version) => requestJson(`${editsLink(id)}/last`, { method: "DELETE", headers: ifMatch(version) });

/**
 * The resting face in the result of a job, as the edit `baseline` takes it.
 * @param {string} id
 * @returns {Promise<object>}
 * @throws {Problem} where the result does not show one person
 */
export const getBaseline = (id) => requestJson(`/v1/jobs/${encodeURIComponent(id)}/baseline`);

/**
 * Analyse a picture, which the service does not keep.
 * @param {Blob} picture
 * @returns {Promise<object>} the faces as POST /v1/pictures describes them
 * @throws {Problem}
 */
export const analyzePicture = (picture) =>
  requestJson("/v1/pictures", { method: "POST", body: picture, headers: { "Content-Type": "application/octet-stream" } });

/**
 * @param {string | null} cursor of the page; null for the first one
 * @returns {Promise<{ jobs: object[], next_cursor: string | null }>} jobs of the caller, newest first
 */
export const getJobs = (cursor = null) => requestJson(`/v1/jobs?limit=100${cursor ? `&cursor=${cursor}` : ""}`);

/**
 * Store a result as a job.
 * @param {object} result
 * @param {string} title
 * @returns {Promise<object>} the job as GET /v1/jobs/{id} describes it
 * @throws {Problem}
 */
export const importResult = (result, title) =>
  requestJson(`/v1/jobs?title=${encodeURIComponent(title)}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(result),
  });

/**
 * Change a job.
 * @param {string} id
 * @param {{ kept?: boolean, title?: string | null }} change
 * @returns {Promise<object>} the job as GET /v1/jobs/{id} describes it
 * @throws {Problem}
 */
export const changeJob = (id, change) =>
  requestJson(`/v1/jobs/${encodeURIComponent(id)}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(change),
  });

/**
 * Cancel a job that has not ended, or erase its result.
 * @param {string} id
 * @returns {Promise<null>}
 */
export const eraseJob = (id) => requestJson(`/v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });

/**
 * @param {string} id
 * @param {string | number} target share of correct predictions that the threshold of uncertain windows has to keep
 * @returns {Promise<object>} raters against each other and against the model
 */
export const getAgreement = (id, target) => requestJson(`/v1/jobs/${encodeURIComponent(id)}/agreement?target_accuracy=${target}`);

/** @returns {Promise<object>} the model in use, with its measured figures */
export const getModel = () => requestJson("/v1/model");

/** @returns {Promise<object>} the limits of an upload, as GET /v1/limits gives them */
export const getLimits = () => requestJson("/v1/limits");
/**
 * The labels of the model in use. No key is prompted for.
 * @returns {Promise<string[] | null>} null where the service serves holders of a key only
 */
export const findLabels = () => requestJson("/v1/model", {}, { prompt: false }).then((model) => model.labels, () => null);

/**
 * @param {string} id
 * @returns {string} path of a job's server-sent events
 */
export const eventsLink = (id) => `/v1/jobs/${encodeURIComponent(id)}/events`;

/**
 * @param {string} id
 * @param {string} format for example "csv"
 * @param {boolean} edited whether with the edits
 * @returns {string} path of a result in a format
 */
export const resultLink = (id, format, edited = true) =>
  `/v1/jobs/${encodeURIComponent(id)}/result?format=${format}${edited ? "" : "&edited=false"}`;

/** The response to a GET; failures are problems. */
async function get(link, keyOptions = {}) {
  const response = await fetchOrOffline(link, {}, keyOptions);
  if (!response.ok) throw new Problem(parsed(await response.text(), response.status));
  return response;
}

/**
 * @param {string} link path of a result
 * @returns {Promise<Blob>}
 * @throws {Problem}
 */
export const getFile = async (link) => (await get(link)).blob();

/**
 * The windows of a result without the positions of the faces.
 * @param {string} id
 * @returns {Promise<{ windows: object[], duration: number }>} duration of the video in seconds
 */
export async function getWindows(id) {
  const response = await get(resultLink(id, "ndjson"), { insist: false });
  const [head, ...windows] = (await response.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { windows, duration: head.video.duration_s };
}

const videosPath = ({ annotate, editsOf = null }) => `/v1/videos?annotate=${annotate}${editsOf ? `&edits_of=${editsOf}` : ""}`;

/**
 * Submit a video that the server fetches or has.
 * @param {{ url: string } | { upload_id: string }} named
 * @param {{ annotate: boolean, editsOf?: string | null }} options editsOf: id of the job whose edits the annotated video shows
 * @returns {Promise<object>} the job
 * @throws {Problem}
 */
export const submitVideo = (named, options) =>
  requestJson(videosPath(options), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(named),
  });

/**
 * Upload a file. After a 401 a key is prompted for and the file sent again, unless the prompt was refused after `since`.
 * @param {File} file
 * @param {{ annotate: boolean, editsOf?: string | null, idempotencyKey: string, onProgress: (share: number) => void, signal: AbortSignal, since: number }} options
 *   `onProgress` gets the share sent, 0 to 1; `since` is in ms since 1970
 * @returns {Promise<object>} the job
 * @throws {Problem}
 */
export async function upload(file, options) {
  const { signal, since } = options;
  for (;;) {
    const sent = authorization().Authorization;
    try {
      return await uploadOnce(file, options);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      if (authorization().Authorization === sent && !(await promptForKey({ signal, since }))) throw problem;
    }
  }
}

/** An XMLHttpRequest, since fetch() does not report the progress of an upload. */
function uploadOnce(file, { annotate, editsOf, idempotencyKey, onProgress, signal }) {
  const form = new FormData();
  form.append("video", file, file.name);
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => request.abort());
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      const body = parsed(request.responseText, request.status);
      if (request.status < 300) resolve(body);
      else reject(new Problem(body));
    });
    request.addEventListener("error", () => reject(new Problem(OFFLINE)));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.open("POST", videosPath({ annotate, editsOf }));
    for (const [name, value] of Object.entries({ "Idempotency-Key": idempotencyKey, ...authorization() })) request.setRequestHeader(name, value);
    request.send(form);
  });
}
