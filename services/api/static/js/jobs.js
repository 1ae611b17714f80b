/** The person's videos: what was sent from this browser, how far each is, and the file itself while the page lives. */

import { eraseJob, getJob, upload } from "./api.js";
import { listen } from "./job-events.js";

const KEY = "duygu.jobs";
const KEPT = 50;
const POLL_MS = 400;
const POLL_OFFLINE_MS = 2500;
const ENDED = new Set(["succeeded", "failed", "cancelled", "gone"]);

/** key -> { key, id, name, state, progress, error, trouble, unsure, since, duration, found, video, file, annotate, awaited, replaces, controller } */
const entries = new Map();
const listeners = new Set();

export const all = () => [...entries.values()].sort((a, b) => b.added - a.added);
export const byJob = (id) => [...entries.values()].find((entry) => entry.id === id);
export const hasEnded = (entry) => ENDED.has(entry.state);

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

function remember() {
  const kept = all().filter((entry) => entry.id && !entry.unsure).slice(0, KEPT);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept.map(({ id, name, added }) => ({ id, name, added }))));
  } catch {
    // Private windows may forbid storage; the list then lasts until the page closes.
  }
}

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

/** Take up the videos of an earlier visit. */
export function restore() {
  for (const { id, name, added } of recall()) {
    const entry = { key: id, id, name, added, state: "queued", progress: null };
    entries.set(id, entry);
    follow(entry);
  }
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

/** Send the file of a result again for the video with what was found in it; what comes takes the result's place. */
export const annotate = (entry) => send(entry.file, { annotate: true, awaited: true, replaces: entry });

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
    const { status: state, progress, error, links } = job;
    change(entry, { state, progress, error, since, video: links.video, trouble: null, unsure: false });
    if (state === "succeeded") dropReplaced(entry);
    return POLL_MS;
  } catch (error) {
    if (error.status === 404 && entry.unsure) forget(entry);
    else if (error.status === 404) change(entry, { state: "gone" });
    else change(entry, { trouble: error });
    return POLL_OFFLINE_MS;
  }
}

function dropReplaced(entry) {
  if (entry.replaces) remove(entry.replaces);
  entry.replaces = null;
}

function forget(entry) {
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
