/** Uploads. */

import { changeJob, eraseJob, submitVideo, upload } from "../api/client.js";
import { refusal, takesParts } from "../api/limits.js";
import { LARGE_BYTES, uploadInParts } from "../api/resumable.js";
import { limitConcurrency } from "../common/concurrency.js";
import { add, all, byJob, change, follow, forget, mergeDuplicate } from "./jobs.js";

/** A browser keeps six connections per server; the page itself needs some of them. */
const limited = limitConcurrency(2);

/** Longest title of a job, in characters. */
const MAX_TITLE = 200;

/** How long other tabs have to claim their uploads. */
const CLAIM_MS = 1000;

/** No response (0), a refused key, and failures that pass by themselves. */
const isTransient = ({ status }) => [0, 401, 403, 408, 429].includes(status) || status >= 500;

/** Whether the same file may succeed when sent again. */
const isRepeatable = ({ state, id, error }) => state === "interrupted" || (state === "failed" && !id && isTransient(error));

/**
 * @param {Entry} entry
 * @returns {boolean} whether the upload can be repeated with the file that this page has
 */
export const mayRetry = (entry) => isRepeatable(entry) && Boolean(entry.file);

/**
 * @param {Entry} entry
 * @returns {boolean} whether it can be repeated once the file is chosen again
 */
export const needsFile = (entry) => isRepeatable(entry) && !entry.file;

/** Repeat the uploads that were refused for their key, after another one was entered. */
export function retryRefused() {
  for (const entry of all()) if (mayRetry(entry) && [401, 403].includes(entry.error.status)) transmit(entry);
}

/**
 * Upload a file and follow its job.
 * @param {File} file
 * @param {{ annotate?: boolean, awaited?: boolean, source?: string | null, revision?: number }} options annotate: also make the
 *   annotated video; awaited: open the result when it is ready; source: id of the result that the annotated video belongs to;
 *   revision: version of its edits that the video shows, 0 for none
 * @returns {Promise<void>}
 */
export async function send(file, { annotate = false, awaited = false, source = null, revision = 0 } = {}) {
  const { name, size } = file;
  const about = { key: newKey(), id: null, name, size, added: Date.now(), file, awaited, source, revision };
  await transmit(add({ ...about, annotated: annotate }));
}

/**
 * Submit the link to a video, and follow its job.
 * @param {string} url
 * @param {{ annotate?: boolean }} options as for `send`
 * @returns {Promise<void>}
 * @throws {Problem}
 */
export async function sendLink(url, { annotate = false } = {}) {
  const job = await submitVideo({ url }, { annotate });
  const name = nameOfLink(job.link?.url ?? url);
  const entry = add({ key: newKey(), id: null, name, added: Date.now(), awaited: true, source: null, annotated: annotate, progress: null });
  takeJob(entry, job); // follows the job until it ends
}

/** The last part of a link's path, or its host. */
function nameOfLink(url) {
  const parts = url.split("/").filter(Boolean);
  try {
    return decodeURIComponent(parts.at(-1));
  } catch {
    return parts.at(-1);
  }
}

/**
 * Repeat an interrupted upload. A file of another name or size becomes another upload.
 * @param {Entry} entry
 * @param {File} file
 * @returns {Promise<void>}
 */
export async function sendAgain(entry, file) {
  if (file.name === entry.name && file.size === entry.size) return transmit(Object.assign(entry, { file }));
  forget(entry);
  return send(file, { annotate: entry.annotated, source: entry.source, revision: entry.revision });
}

/**
 * Make the annotated video of a result. The server has erased the upload, so the file is sent again, as a job of its own; the result stays.
 * @param {Entry} entry
 * @param {number} revision version of the saved edits that the video shows; 0 for none
 * @returns {Promise<void>}
 */
export const annotate = (entry, revision) => send(entry.file, { annotate: true, source: entry.id, revision });

/**
 * @param {Entry} entry
 * @param {number} revision
 * @returns {Entry | undefined} the job that makes or has made its annotated video with these edits, if it is of the same file
 */
export const annotatedVideoOf = ({ id, sha256 }, revision) =>
  all().find((entry) => entry.source === id && (entry.revision ?? 0) === revision && (!entry.sha256 || entry.sha256 === sha256) && entry.state !== "gone");

/** A random key; crypto.randomUUID() is missing on pages served by plain http. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `upload-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * Send the file of an entry. Its key makes the call idempotent: after a lost response the server returns the same job.
 * @param {Entry} entry
 * @returns {Promise<void>}
 */
export async function transmit(entry) {
  const refused = refusal(entry.file);
  if (refused) return change(entry, { state: "failed", error: refused });
  const controller = new AbortController();
  const { signal } = controller;
  const since = Date.now();
  change(entry, { state: "uploading", progress: null, error: null, foreign: false, controller });
  try {
    const job = await limited(() => sendNow(entry, signal, since));
    return signal.aborted ? await eraseJob(job.job_id) : await takeJob(entry, job);
  } catch (error) {
    if (isSending(entry) && !signal.aborted) change(entry, { state: "failed", error });
  }
}

function sendNow(entry, signal, since) {
  const sendFile = entry.file.size > LARGE_BYTES && takesParts() ? uploadInParts : upload;
  return sendFile(entry.file, {
    annotate: entry.annotated,
    editsOf: entry.revision ? entry.source : null,
    idempotencyKey: entry.key,
    signal,
    since,
    onProgress: (progress) => change(entry, { progress }),
  });
}

function takeJob(entry, job) {
  const duplicate = byJob(job.job_id);
  const one = duplicate ? mergeDuplicate(entry, duplicate) : entry;
  change(one, { id: job.job_id, state: job.status, progress: job.progress, sha256: job.sha256, controller: null });
  if (!job.title) changeJob(job.job_id, { title: one.name.slice(0, MAX_TITLE) }).catch(() => {}); // the list of other browsers then lacks the name
  return duplicate ? null : follow(one);
}

const isSending = (entry) => entry.state === "uploading" && !entry.foreign;

/** An upload ends with its page: confirm leaving, and mark it as interrupted. */
function watchLeaving() {
  addEventListener("beforeunload", (event) => {
    if (all().some(isSending)) event.preventDefault();
  });
  addEventListener("pagehide", () => {
    for (const entry of all().filter(isSending)) change(entry, { state: "interrupted" });
  });
}

/** Mark uploads that no tab claims as interrupted, as after a crash. Tabs claim theirs over a BroadcastChannel. */
function findInterrupted() {
  const claimed = new Set();
  const channel = new BroadcastChannel("duygu.uploads");
  channel.addEventListener("message", ({ data }) => {
    if (data === "whose?") channel.postMessage(all().filter(isSending).map(({ key }) => key));
    else for (const key of data) claimed.add(key);
  });
  if (!all().some((entry) => entry.foreign)) return;
  channel.postMessage("whose?");
  setTimeout(() => {
    for (const entry of all()) if (entry.foreign && !claimed.has(entry.key)) change(entry, { state: "interrupted", foreign: false });
  }, CLAIM_MS);
}

/** Watch for interrupted uploads; call it after the list is restored. */
export function startUploads() {
  watchLeaving();
  findInterrupted();
}
