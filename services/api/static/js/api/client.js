/** The HTTP interface, as far as the pages need it. Failures are problems (RFC 9457) with a stable code. */

import { authorization, fetchWithKey, promptForKey } from "./key.js";

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    Object.assign(this, { code: problem.code, title: problem.title, status: problem.status });
  }
}

const OFFLINE = { code: "offline", title: "The server does not answer", status: 0 };

function parsed(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    return { code: "internal", title: `The server answered ${status}`, status };
  }
}

async function fetchOrOffline(path, options, keyOptions) {
  try {
    return await fetchWithKey(path, options, keyOptions);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(OFFLINE);
  }
}

async function requestJson(path, options = {}, keyOptions = {}) {
  const response = await fetchOrOffline(path, options, keyOptions);
  if (response.status === 204) return null;
  const body = parsed(await response.text(), response.status);
  if (!response.ok) throw new Problem(body);
  return body;
}

/**
 * { job, answered }: a job, and the time of the answer by the server's clock, in ms since 1970. Jobs are asked for again
 * and again; nobody is bothered for a key more than once because of it.
 */
export async function getJobWithTime(id) {
  const response = await get(`/v1/jobs/${encodeURIComponent(id)}`, { insist: false });
  const job = parsed(await response.text(), response.status);
  return { job, serverTime: Date.parse(response.headers.get("date")) || Date.now() };
}

export const getJob = async (id) => (await getJobWithTime(id)).job;
export const getResult = (id) => requestJson(`/v1/jobs/${encodeURIComponent(id)}/result`);
export const eraseJob = (id) => requestJson(`/v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
export const getModel = () => requestJson("/v1/model");
export const getLimits = () => requestJson("/v1/limits");
/** The labels that the service answers with; null where it says so to holders of a key alone. Nobody is asked for one. */
export const findLabels = () => requestJson("/v1/model", {}, { prompt: false }).then((model) => model.labels, () => null);
export const eventsLink = (id) => `/v1/jobs/${encodeURIComponent(id)}/events`;
export const resultLink = (id, format) => `/v1/jobs/${encodeURIComponent(id)}/result?format=${format}`;

/** The response to a GET; failures are problems. */
async function get(link, keyOptions = {}) {
  const response = await fetchOrOffline(link, {}, keyOptions);
  if (!response.ok) throw new Problem(parsed(await response.text(), response.status));
  return response;
}

/** A result as a file. */
export const getFile = async (link) => (await get(link)).blob();

/** The windows of a result without the positions of the faces, and the length of its video in seconds. */
export async function getWindows(id) {
  const response = await get(resultLink(id, "ndjson"), { insist: false });
  const [head, ...windows] = (await response.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { windows, duration: head.video.duration_s };
}

/**
 * Send a file; `onProgress` gets the share sent. Where a key is asked for, ask for it and send the file again, unless
 * the person has refused to give one after `since`, in ms since 1970.
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

/** fetch() cannot tell how far it is, so this is an XMLHttpRequest. */
function uploadOnce(file, { annotate, idempotencyKey, onProgress, signal }) {
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
    request.open("POST", `/v1/videos?annotate=${annotate}`);
    for (const [name, value] of Object.entries({ "Idempotency-Key": idempotencyKey, ...authorization() })) request.setRequestHeader(name, value);
    request.send(form);
  });
}
