/** The person's videos: what was sent from this browser, how far each is, and the file itself while the page lives. */

import { eraseJob, getJobWithTime } from "../api/client.js";
import { listen } from "../api/job-events.js";
import { expiryOf } from "../api/limits.js";
import { limitConcurrency } from "../common/concurrency.js";
import { dropPreview, dropPreviews } from "./preview-storage.js";
import { recordOf, sameRecord } from "./records.js";
import { onStored, recall, store } from "./storage.js";
import { timeLeft } from "./time-left.js";

const POLL_MS = 400;
const POLL_OFFLINE_MS = 2500;
const EXPIRY_MS = 60_000;
const ENDED = new Set(["succeeded", "failed", "cancelled", "gone", "interrupted"]);

/**
 * key -> { key, id, name, added, size, state, progress, left, error, trouble, unsure, faces, duration, ended, expires, found,
 *          sha256, video, annotated, source, file, awaited, controller }
 *
 * state     of the job, or uploading, interrupted (before there was a job), gone (erased from the server)
 * left      seconds until the end, by the server
 * ended, expires   when the job ended, and when its result is erased, in ms since 1970
 * source    id of the result that an annotated video was asked for from
 * found     windows that a running job has found
 */
const entries = new Map();
const removed = new Set(); // keys and ids of what was taken off the list
const listeners = new Set();
const stored = new Map(); // key -> the record that was last stored, as text

export const all = () => [...entries.values()].sort((a, b) => b.added - a.added);
export const byJob = (id) => [...entries.values()].find((entry) => entry.id === id);
export const byKey = (key) => entries.get(key);
export const hasEnded = (entry) => ENDED.has(entry.state);

/** Call `listener(entry, before)` whenever something about a video changes. */
export function onChange(listener) {
  listeners.add(listener);
}

export function change(entry, changes) {
  const before = entry.state;
  Object.assign(entry, changes);
  remember(entry);
  notify(entry, before);
}

function notify(entry, before) {
  for (const listener of listeners) listener(entry, before);
}

/** Progress comes several times a second and is not stored. */
function remember(entry) {
  const text = entries.has(entry.key) && !entry.unconfirmed ? JSON.stringify(recordOf(entry)) : "";
  if ((stored.get(entry.key) ?? "") === text) return;
  stored.set(entry.key, text);
  const own = all().filter((other) => !other.unconfirmed);
  store(own.map(recordOf), removed);
}

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

/** An upload of another tab has become a job, or has failed. */
function takeOverUpload(record) {
  const entry = all().find((known) => known.foreign && sameRecord(known, record));
  if (!entry || record.state === "uploading") return;
  change(entry, { ...record, foreign: false });
  if (entry.id) follow(entry);
}

/** Take up the videos of an earlier visit, and from now on those of other tabs; what another tab takes off the list goes from this one. */
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

/** Know a job that was sent from elsewhere, as a link to it may be opened in another browser; `unsure` until the server knows it. */
export function adopt(id) {
  const known = byJob(id);
  if (known) return known;
  const entry = add({ key: id, id, name: id, added: Date.now(), state: "queued", progress: null, unconfirmed: true });
  follow(entry);
  return entry;
}

/** Call a video by another name, as where its file turns up again. */
export const rename = (entry, name) => change(entry, { name });

/** More than a few at once would keep the browser's connections from everything else. */
const limited = limitConcurrency(4);

/** The more jobs wait, the less often each is asked for. */
const pollPause = () => POLL_MS * Math.max(1, Math.ceil(all().filter((entry) => entry.id && !hasEnded(entry)).length / 4));

/** Whatever was known before, the server is asked once: the result may have been erased meanwhile. */
export async function follow(entry) {
  for (;;) {
    const pause = await limited(() => poll(entry));
    if (!entries.has(entry.key) || (hasEnded(entry) && !entry.problem)) return;
    if (!entry.problem && (await listenToEvents(entry))) continue;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Let the job tell by itself how it goes; resolves to whether it has told of its end. */
function listenToEvents(entry) {
  entry.found = [];
  return listen(entry.id, (name, data) => {
    if (name === "started") change(entry, { state: "running" });
    if (name === "progress") updateProgress(entry, data);
    if (name === "window") change(entry, { found: [...entry.found, data] });
  });
}

/** What was told earlier is told again to each listener: progress only goes forward. */
function updateProgress(entry, data) {
  if (Number.isFinite(entry.progress) && !(data.progress >= entry.progress)) return;
  const left = timeLeft({ progress: data.progress, work: data }, NaN);
  change(entry, { state: "running", progress: data.progress, left, duration: data.duration_s ?? entry.duration });
}

/** Ask once; returns how long to wait before the next time. */
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

/** With a result goes what this browser has kept of it. */
function noteErased(entry) {
  dropPreview(entry.id);
  change(entry, { state: "gone", problem: null });
}

/** Of a job as the API describes it, what the pages need. */
function factsOf(job, serverTime, known) {
  const { status: state, progress, error, sha256, links, work } = job;
  return {
    state,
    progress,
    error,
    sha256,
    video: links.video,
    annotated: Boolean(links.video) || known.annotated,
    left: timeLeft(job, serverTime),
    faces: job.faces ?? known.faces,
    duration: job.duration_s ?? work?.duration_s ?? known.duration,
    ended: job.ended_at ? Date.parse(job.ended_at) : null,
    expires: job.expires_at ? Date.parse(job.expires_at) : null,
  };
}

/** The page may be open when a result is erased. */
function pollExpired() {
  for (const entry of all()) if (entry.state === "succeeded" && (expiryOf(entry) ?? Infinity) < Date.now()) follow(entry);
}

/** Take an entry off this tab's list. */
export function forget(entry) {
  if (entry.id) {
    removed.add(entry.id);
    dropPreview(entry.id);
  }
  removed.add(entry.key);
  entries.delete(entry.key);
  change(entry, { state: "removed" });
}

/** Another tab has taken it off the list: an upload of this one stops too. */
function cancelHere(entry) {
  entry.controller?.abort();
  forget(entry);
}

/** The server has given an upload the job of another entry: that one stays, and takes the file. */
export function mergeDuplicate(entry, duplicate) {
  Object.assign(duplicate, { file: entry.file, awaited: entry.awaited });
  removed.add(entry.key);
  entries.delete(entry.key);
  change(entry, { state: "removed" });
  return duplicate;
}

/** Stop what runs, erase what the server holds, and take it off the list. */
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
