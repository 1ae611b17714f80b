/** Files on their way to the server. */

import { eraseJob, upload } from "../api/client.js";
import { refusal } from "../api/limits.js";
import { limitConcurrency } from "../common/concurrency.js";
import { add, all, byJob, change, follow, forget, mergeDuplicate } from "./jobs.js";

/** A browser keeps six connections to one server; the page itself needs some of them. */
const limited = limitConcurrency(2);

/** How long other tabs have to say which uploads are theirs. */
const CLAIM_MS = 1000;

/** No answer (0), a key that may be changed, and what goes over by itself. */
const isTransient = ({ status }) => [0, 401, 403, 408, 429].includes(status) || status >= 500;

/** Whether it makes sense to send the same file again: not where the server has said what is wrong with it. */
const isRepeatable = ({ state, id, error }) => state === "interrupted" || (state === "failed" && !id && isTransient(error));

export const mayRetry = (entry) => isRepeatable(entry) && Boolean(entry.file);

/** The page that had the file is gone. */
export const needsFile = (entry) => isRepeatable(entry) && !entry.file;

/** Another key is in use: send what was refused for the sake of the one before. */
export function retryRefused() {
  for (const entry of all()) if (mayRetry(entry) && [401, 403].includes(entry.error.status)) transmit(entry);
}

/** Send a file and follow its job. `annotate` asks for the video with what was found in it; `awaited` is what somebody looks forward to. */
export async function send(file, { annotate = false, awaited = false, source = null } = {}) {
  const { name, size } = file;
  const about = { key: newKey(), id: null, name, size, added: Date.now(), file, awaited, source };
  await transmit(add({ ...about, annotated: annotate }));
}

/** Send a file for an upload that was lost with its page. Another file than the one before is another upload. */
export async function sendAgain(entry, file) {
  if (file.name === entry.name && file.size === entry.size) return transmit(Object.assign(entry, { file }));
  forget(entry);
  return send(file, { annotate: entry.annotated, source: entry.source });
}

/**
 * The file of a result is sent again for the video with what was found in it: the server erases uploads once they are
 * analysed. It becomes a job of its own; the result it was asked for from stays.
 */
export const annotate = (entry) => send(entry.file, { annotate: true, source: entry.id });

/** The annotated video that was asked for from a result, if it is of the same file; also while it is being made. */
export const annotatedVideoOf = ({ id, sha256 }) =>
  all().find((entry) => entry.source === id && (!entry.sha256 || entry.sha256 === sha256) && entry.state !== "gone");

/** Unlike randomUUID(), which browsers keep from pages that came by http from another machine. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `upload-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

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

/** The key of the entry makes a repetition safe: where the answer alone was lost, the same job comes back. */
function sendNow(entry, signal, since) {
  return upload(entry.file, {
    annotate: entry.annotated,
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
  return duplicate ? null : follow(one);
}

const isSending = (entry) => entry.state === "uploading" && !entry.foreign;

/** A file that is on its way is lost with the page: ask before, and leave word of it. */
function watchLeaving() {
  addEventListener("beforeunload", (event) => {
    if (all().some(isSending)) event.preventDefault();
  });
  addEventListener("pagehide", () => {
    for (const entry of all().filter(isSending)) change(entry, { state: "interrupted" });
  });
}

/** What no tab is sending was interrupted, as by a crash. Tabs tell each other which uploads are theirs. */
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

/** To be called once the list is restored. */
export function startUploads() {
  watchLeaving();
  findInterrupted();
}
