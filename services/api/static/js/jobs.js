/** The person's videos: what was sent from this browser, how far each is, and the file itself while the page lives. */

import { eraseJob, getJob, upload } from "./api.js";
import { listen } from "./job-events.js";

const KEY = "duygu.jobs";
const KEPT = 50;
const POLL_MS = 400;
const POLL_OFFLINE_MS = 2500;
const ENDED = new Set(["succeeded", "failed", "cancelled", "gone"]);

/** key -> { key, id, name, state, progress, error, trouble, unsure, since, duration, found, sha256, video, file, annotate, awaited, replaces, controller } */
const entries = new Map();
const removed = new Set(); // ids of jobs that were taken off the list
const listeners = new Set();

export const all = () => [...entries.values()].sort((a, b) => b.added - a.added);
export const byJob = (id) => [...entries.values()].find((entry) => entry.id === id);
export const hasEnded = (entry) => ENDED.has(entry.state);

/** Whether it makes sense to send a file again as it is: not where the server has said what is wrong with it. */
export const mayRetry = ({ state, id, file, error }) => state === "failed" && !id && Boolean(file) && passes(error);

/** No answer (0), a key that may be changed, and what goes over by itself. */
const passes = ({ status }) => [0, 401, 403, 408, 429].includes(status) || status >= 500;

/** Another key is in use: send what was refused for the sake of the one before. */
export function retryRefused() {
  for (const entry of all()) if (mayRetry(entry) && [401, 403].includes(entry.error.status)) transmit(entry);
}

/** Call `listener(entry, before)` whenever something about a video changes. */
export function onChange(listener) {
  listeners.add(listener);
}

function change(entry, news) {
  const before = entry.state;
  Object.assign(entry, news);
  remember();
  for (const listener of listeners) listener(entry, before);
}

/** Other tabs write the same list: what they know is kept, unless this one took it off. */
function remember() {
  const own = all().filter((entry) => entry.id && !entry.unsure).map(({ id, name, added }) => ({ id, name, added }));
  const others = recall().filter(({ id }) => !byJob(id) && !removed.has(id));
  const kept = [...own, ...others].sort((a, b) => b.added - a.added).slice(0, KEPT);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Private windows may forbid storage; the list then lasts until the page closes.
  }
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? [];
  } catch {
    return [];
  }
}

function recall() {
  try {
    return parsed(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

function takeUp(list) {
  for (const { id, name, added } of list) {
    if (byJob(id) || removed.has(id)) continue;
    const entry = { key: id, id, name, added, state: "queued", progress: null };
    entries.set(id, entry);
    follow(entry);
  }
}

/** Take up the videos of an earlier visit, and from now on those of other tabs; what another tab takes off the list goes from this one. */
export function restore() {
  takeUp(recall());
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key !== KEY || newValue === null) return;
    const now = parsed(newValue);
    const gone = parsed(oldValue).filter(({ id }) => !now.some((other) => other.id === id));
    for (const { id } of gone) if (byJob(id)) forget(byJob(id));
    takeUp(now);
  });
}

/** Know a job that was sent from elsewhere, as a link to it may be opened in another browser; `unsure` until the server knows it. */
export function adopt(id) {
  const known = byJob(id);
  if (known) return known;
  const entry = { key: id, id, name: id, added: Date.now(), state: "queued", progress: null, unsure: true };
  entries.set(id, entry);
  follow(entry);
  return entry;
}

/** Send a file and follow its job. `annotate` asks for the video with what was found in it; `awaited` is what somebody looks forward to. */
export async function send(file, { annotate = false, awaited = false, replaces = null } = {}) {
  const entry = { key: newKey(), id: null, name: file.name, added: Date.now(), file, annotate, awaited, replaces };
  entries.set(entry.key, entry);
  await transmit(entry);
}

/** Send the file of a result again for the video with what was found in it; what comes takes the result's place where the file is the same. */
export const annotate = (entry) => send(entry.file, { annotate: true, awaited: true, replaces: entry });

/** Call a video by another name, as where its file turns up again. */
export const rename = (entry, name) => change(entry, { name });

let sent = 0;

/** Not an id of a job, and not a randomUUID(), which browsers keep from pages that came by http from another machine. */
function newKey() {
  sent += 1;
  return `sent ${sent}`;
}

export async function transmit(entry) {
  const controller = new AbortController();
  change(entry, { state: "uploading", progress: 0, error: null, controller });
  try {
    const job = await upload(entry.file, {
      annotate: entry.annotate,
      signal: controller.signal,
      onProgress: (progress) => change(entry, { progress }),
    });
    change(entry, { id: job.job_id, state: job.status, progress: job.progress, since: Date.now() });
    follow(entry);
  } catch (error) {
    if (error.name === "AbortError") forget(entry);
    else change(entry, { state: "failed", error });
  }
}

async function follow(entry) {
  while (entries.has(entry.key) && !hasEnded(entry)) {
    const pause = await look(entry);
    if (hasEnded(entry) || (!entry.trouble && (await hearOut(entry)))) continue;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Let the job tell by itself how it goes; resolves to whether it has told of its end. */
function hearOut(entry) {
  entry.found = [];
  return listen(entry.id, (name, data) => {
    if (name === "started") change(entry, { state: "running", since: Date.now() });
    if (name === "progress") change(entry, { state: "running", progress: data.progress, duration: data.duration_s });
    if (name === "window") change(entry, { found: [...entry.found, data] });
  });
}

/** Ask once; returns how long to wait before the next time. */
async function look(entry) {
  try {
    const job = await getJob(entry.id);
    const since = job.started_at ? Date.parse(job.started_at) : entry.since;
    const { status: state, progress, error, sha256, links } = job;
    change(entry, { state, progress, error, since, sha256, video: links.video, trouble: null, unsure: false });
    if (state === "succeeded") dropReplaced(entry);
    return POLL_MS;
  } catch (error) {
    if (error.status === 404 && entry.unsure) forget(entry);
    else if (error.status === 404) change(entry, { state: "gone" });
    else change(entry, { trouble: error });
    return POLL_OFFLINE_MS;
  }
}

/** Only what is known to be of the same file is replaced. */
function dropReplaced(entry) {
  if (entry.replaces?.sha256 === entry.sha256) remove(entry.replaces);
  entry.replaces = null;
}

function forget(entry) {
  if (entry.id) removed.add(entry.id);
  entries.delete(entry.key);
  change(entry, { state: "removed" });
}

/** Stop what runs, erase what the server holds, and take it off the list. */
export async function remove(entry) {
  if (entry.state === "uploading") return entry.controller.abort();
  if (entry.id && entry.state !== "gone") {
    try {
      await eraseJob(entry.id);
    } catch (error) {
      if (error.status !== 404) return change(entry, { trouble: error });
    }
  }
  return forget(entry);
}
