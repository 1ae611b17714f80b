/** The entries of the list: the videos sent from this browser, the state of each, and its file while the page is open. */

import { changeJob, eraseJob, getJobWithTime } from "../api/client.js";
import { listen } from "../api/job-events.js";
import { expiryOf } from "../api/limits.js";
import { limitConcurrency } from "../common/concurrency.js";
import { dropPreview, dropPreviews } from "./preview-storage.js";
import { recordOf, sameRecord } from "./records.js";
import { dropRecording } from "./recordings.js";
import { onStored, recall, store } from "./storage.js";
import { timeLeft } from "./time-left.js";

const POLL_MS = 400;
const POLL_OFFLINE_MS = 2500;
const EXPIRY_MS = 60_000;
const ENDED = new Set(["succeeded", "failed", "cancelled", "gone", "interrupted"]);

/**
 * @typedef {object} Entry
 * @property {string} key identifies the entry; also the idempotency key of its upload
 * @property {string | null} id of the job; null before there is one
 * @property {string} name of the file
 * @property {number} added ms since 1970
 * @property {number} [size] bytes
 * @property {string} state of the job, or uploading, interrupted (before there was a job), gone (erased from the server)
 * @property {number | null} progress of the upload or of the job, 0 to 1
 * @property {number | null} [ahead] number of jobs before this one; null if unknown
 * @property {number | null} [left] seconds until the end, as the server estimates it
 * @property {object} [error] why the job or the upload failed
 * @property {object | null} [problem] why the last call about the job failed
 * @property {boolean} [unconfirmed] whether the server has not confirmed the job yet
 * @property {boolean} [foreign] whether another tab uploads it
 * @property {boolean} [listed] whether it is known from the list of the server alone, and not stored in this browser
 * @property {"fetching" | "analyzing" | null} [stage] what a running job does
 * @property {number} [fetched] bytes of its link that the server has
 * @property {number} [faces] number of faces
 * @property {number} [duration] of the video in seconds
 * @property {number | null} [ended] when the job ended, in ms since 1970
 * @property {number | null} [expires] when the result is erased, in ms since 1970
 * @property {boolean} [kept] whether the result does not expire
 * @property {object[]} [found] windows that a running job has found
 * @property {string} [sha256] of the file
 * @property {string} [video] link of the annotated video
 * @property {string} [blurred] link of the video with every face covered
 * @property {boolean} [hasUpload] whether the service keeps the uploaded video
 * @property {boolean} [annotated] whether an annotated video was requested
 * @property {string | null} [source] id of the result whose annotated video this job makes
 * @property {number} [revision] version of the edits of that result which its annotated video shows; 0 or none: without edits
 * @property {File} [file] while the page is open
 * @property {boolean} [awaited] whether the result opens when it is ready
 * @property {AbortController | null} [controller] of the upload
 */

/** @type {Map<string, Entry>} by key */
const entries = new Map();
const removed = new Set(); // keys and ids of removed entries
const listeners = new Set();
const stored = new Map(); // key -> the record that was last stored, as text

/** @returns {Entry[]} newest first */
export const all = () => [...entries.values()].sort((a, b) => b.added - a.added);

/**
 * @param {string} id of a job
 * @returns {Entry | undefined}
 */
export const byJob = (id) => [...entries.values()].find((entry) => entry.id === id);

/**
 * @param {string} key
 * @returns {Entry | undefined}
 */
export const byKey = (key) => entries.get(key);

/**
 * @param {Entry} entry
 * @returns {boolean}
 */
export const hasEnded = (entry) => ENDED.has(entry.state);

/**
 * Call a listener whenever an entry changes.
 * @param {(entry: Entry, stateBefore: string) => void} listener
 */
export function onChange(listener) {
  listeners.add(listener);
}

/**
 * Change an entry, store it and notify the listeners.
 * @param {Entry} entry
 * @param {Partial<Entry>} changes
 */
export function change(entry, changes) {
  const before = entry.state;
  Object.assign(entry, changes);
  remember(entry);
  notify(entry, before);
}

function notify(entry, before) {
  for (const listener of listeners) listener(entry, before);
}

/** Store the entries if this one's record has changed; progress, which changes several times a second, is not part of it. */
function remember(entry) {
  const text = entries.has(entry.key) && !entry.unconfirmed ? JSON.stringify(recordOf(entry)) : "";
  if ((stored.get(entry.key) ?? "") === text) return;
  stored.set(entry.key, text);
  const own = all().filter((other) => !other.unconfirmed && !other.listed);
  store(own.map(recordOf), removed);
}

/**
 * @param {Entry} entry
 * @returns {Entry} the same
 */
export function add(entry) {
  entries.set(entry.key, entry);
  return entry;
}

function addRecords(records) {
  for (const record of records) {
    if (all().some((entry) => sameRecord(entry, record)) || removed.has(record.key) || removed.has(record.id)) continue;
    const entry = add({ ...record, progress: null, foreign: record.state === "uploading" });
    notify(entry, entry.state);
    if (entry.id) follow(entry);
  }
}

/** Update the entry of another tab's upload that has become a job, or has failed. */
function takeOverUpload(record) {
  const entry = all().find((known) => known.foreign && sameRecord(known, record));
  if (!entry || record.state === "uploading") return;
  change(entry, { ...record, foreign: false });
  if (entry.id) follow(entry);
}

/** Restore the stored list, and follow the changes of other tabs. An entry that another tab removes is removed here. */
export function restore() {
  const records = recall();
  dropPreviews(new Set(records.filter((record) => (expiryOf(record) ?? Infinity) > Date.now()).map(({ id }) => id)));
  addRecords(records);
  onStored((now, before) => {
    const gone = before.filter((record) => !now.some((other) => sameRecord(record, other)));
    for (const entry of all()) if (gone.some((record) => sameRecord(record, entry))) cancelHere(entry);
    now.forEach(takeOverUpload);
    addRecords(now);
  });
  setInterval(pollExpired, EXPIRY_MS);
}

/**
 * Add a job that was sent from another browser, as a link to it may be opened anywhere. It is unconfirmed until the server confirms it.
 * @param {string} id
 * @returns {Entry} the entry of the job, new or known
 */
export function adopt(id) {
  const known = byJob(id);
  if (known) return known;
  const entry = add({ key: id, id, name: id, added: Date.now(), state: "queued", progress: null, unconfirmed: true });
  follow(entry);
  return entry;
}

/**
 * Add a job of the server's list, unless it is known or was removed from this page.
 * @param {object} job as GET /v1/jobs describes it
 * @returns {boolean} whether it was added
 */
export function addListed(job) {
  const { job_id: id, title, created_at: created, size_bytes: size } = job;
  if (byJob(id) || removed.has(id)) return false;
  const about = { key: id, id, name: title ?? id, added: Date.parse(created), size, listed: true };
  const entry = add({ ...about, ...factsOf(job, Date.now(), {}) });
  notify(entry, entry.state);
  if (!hasEnded(entry)) follow(entry);
  return true;
}

/**
 * @param {Entry} entry
 * @param {string} name
 */
export const rename = (entry, name) => change(entry, { name });

/** Leaves connections of the browser for everything else. */
const limited = limitConcurrency(4);

/** Each job is polled less often the more there are. */
const pollPause = () => POLL_MS * Math.max(1, Math.ceil(all().filter((entry) => entry.id && !hasEnded(entry)).length / 4));

/**
 * Follow a job until it ends, by events or else by polling. Stored entries are polled once as well: the result may have been erased.
 * @param {Entry} entry
 * @returns {Promise<void>}
 */
export async function follow(entry) {
  for (;;) {
    const pause = await limited(() => poll(entry));
    if (!entries.has(entry.key) || (hasEnded(entry) && !entry.problem)) return;
    if (!entry.problem && (await listenToEvents(entry))) continue;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Update an entry from the events of its job; resolves to whether the last one has come. */
function listenToEvents(entry) {
  entry.found = [];
  return listen(entry.id, (name, data) => {
    if (name === "ahead") change(entry, { ahead: data.ahead });
    if (name === "started") change(entry, { state: "running" });
    if (name === "fetching") change(entry, { state: "running", stage: "fetching", fetched: data.fetched_bytes, size: data.size_bytes ?? entry.size });
    if (name === "fetched") change(entry, { stage: "analyzing", size: data.size_bytes, sha256: data.sha256 });
    if (name === "progress") updateProgress(entry, data);
    if (name === "window") change(entry, { found: [...entry.found, data] });
  });
}

/** Each stream repeats the job's events from the start, so progress that goes back is ignored. */
function updateProgress(entry, data) {
  if (Number.isFinite(entry.progress) && !(data.progress >= entry.progress)) return;
  const left = timeLeft({ progress: data.progress, work: data }, NaN);
  change(entry, { state: "running", progress: data.progress, left, duration: data.duration_s ?? entry.duration });
}

/** Poll once; returns the pause before the next poll in ms. */
async function poll(entry) {
  if (!entries.has(entry.key)) return 0;
  try {
    const { job, serverTime } = await getJobWithTime(entry.id);
    if (entries.has(entry.key)) change(entry, { ...factsOf(job, serverTime, entry), problem: null, unconfirmed: false });
    return pollPause();
  } catch (error) {
    if (!entries.has(entry.key)) return 0;
    if (error.status === 404 && entry.unconfirmed) forget(entry);
    else if (error.status === 404) noteErased(entry);
    else change(entry, { problem: error });
    return POLL_OFFLINE_MS;
  }
}

/** Drop what this browser has stored of an erased result. */
function noteErased(entry) {
  dropPreview(entry.id);
  dropRecording(entry.id);
  change(entry, { state: "gone", problem: null });
}

/** The properties of an entry that come from its job. */
function factsOf(job, serverTime, known) {
  const { status: state, progress, error, sha256, links, work } = job;
  return {
    ...(known.name === known.id && job.title ? { name: job.title } : {}), // this browser did not send the file
    state,
    progress,
    stage: job.stage ?? null,
    fetched: job.link?.fetched_bytes,
    size: job.link?.size_bytes ?? known.size,
    ahead: job.ahead ?? null,
    error,
    sha256,
    video: links.video,
    blurred: links.blurred,
    hasUpload: Boolean(links.upload),
    annotated: Boolean(links.video) || known.annotated,
    left: timeLeft(job, serverTime),
    faces: job.faces ?? known.faces,
    duration: job.duration_s ?? work?.duration_s ?? known.duration,
    ended: job.ended_at ? Date.parse(job.ended_at) : null,
    expires: job.expires_at ? Date.parse(job.expires_at) : null,
    kept: job.kept,
    owner: job.owner ?? null,
  };
}

/**
 * Keep the result of an entry, or let it expire again.
 * @param {Entry} entry
 * @returns {Promise<void>}
 * @throws {Problem}
 */
export async function toggleKept(entry) {
  const job = await changeJob(entry.id, { kept: !entry.kept });
  change(entry, { kept: job.kept, expires: job.expires_at ? Date.parse(job.expires_at) : null });
}

/** Results expire while the page is open. */
function pollExpired() {
  for (const entry of all()) if (entry.state === "succeeded" && (expiryOf(entry) ?? Infinity) < Date.now()) follow(entry);
}

/**
 * Remove an entry from the list, without a call to the server.
 * @param {Entry} entry
 */
export function forget(entry) {
  if (entry.id) {
    removed.add(entry.id);
    dropPreview(entry.id);
    dropRecording(entry.id);
  }
  removed.add(entry.key);
  entries.delete(entry.key);
  change(entry, { state: "removed" });
}

/** Remove an entry, aborting its upload. */
function cancelHere(entry) {
  entry.controller?.abort();
  forget(entry);
}

/**
 * Merge an upload into the entry of the same job, which the server returned.
 * @param {Entry} entry of the upload; removed
 * @param {Entry} duplicate stays, with the file
 * @returns {Entry} duplicate
 */
export function mergeDuplicate(entry, duplicate) {
  Object.assign(duplicate, { file: entry.file, awaited: entry.awaited });
  removed.add(entry.key);
  entries.delete(entry.key);
  change(entry, { state: "removed" });
  return duplicate;
}

/**
 * Cancel what runs, erase what the server holds, and remove the entry from the list.
 * @param {Entry} entry
 * @returns {Promise<void>}
 */
export async function remove(entry) {
  if (entry.state === "uploading") return cancelHere(entry);
  if (entry.id && entry.state !== "gone") {
    try {
      await eraseJob(entry.id);
    } catch (error) {
      if (error.status !== 404) return change(entry, { problem: error });
    }
  }
  return forget(entry);
}
