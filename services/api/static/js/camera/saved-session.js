/** Saving a live session as a result: the card that appears when it has ended. */

import { importResult } from "../api/client.js";
import { byId } from "../common/dom.js";
import { clock, errorTitle, t, when } from "../common/i18n.js";
import { sha256Of } from "../file-check/file-sha256.js";
import { storeRecording } from "../jobs/recordings.js";
import { canRecord, PictureRecorder } from "./picture-recorder.js";
import { SessionRecord } from "./session-record.js";

/** The results of the last frames arrive within this, in ms. */
const PATIENCE_MS = 3000;

/** One visit from start to stop: what was found, and the recording if it is wanted. */
export class SavedSession {
  #record = new SessionRecord(performance.now());
  #recorder = null;
  #began = new Date();
  #closed;
  #onClosed;

  /** @param {MediaStream} stream of the camera, recorded if the person wants it */
  constructor(stream) {
    this.#closed = new Promise((resolve) => { this.#onClosed = resolve; });
    byId("session").hidden = true;
    if (!canRecord() || !byId("keep-picture").checked) return;
    this.#recorder = new PictureRecorder(stream);
    this.#recorder.began.then((began) => { this.#record.began = began; });
  }

  /** Take a message of the service. */
  take(message) {
    this.#record.take(message);
    if (message.type === "session.closed") this.#onClosed();
  }

  /** Offer to save what was found. The tracks of the camera must still run: the recording ends first. */
  async end() {
    const ended = performance.now();
    const name = t("camera.session_name", { time: when(this.#began) });
    const file = (await this.#recorder?.stop(name)) ?? null;
    await Promise.race([this.#closed, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    if (this.#record.faces.length) offer({ record: this.#record, ended, file, name });
  }
}

let offered = null; // { record, ended, file, name } of the session that can be saved

function offer(session) {
  offered = session;
  byId("session").hidden = false;
  byId("session-name").value = session.name;
  byId("session-download").hidden = !session.file;
  byId("session-save").disabled = false;
  byId("session-state").textContent = "";
  drawSession();
  byId("session").scrollIntoView({ block: "nearest" });
}

/** Draw the facts of the session in the chosen language. */
export function drawSession() {
  if (!offered) return;
  const { record, ended } = offered;
  const faces = t("result.faces", { count: record.faces.length });
  byId("session-facts").textContent = t("camera.session_facts", { duration: clock((ended - record.began) / 1000, 0), faces });
}

async function save() {
  const { record, ended, file, name } = offered;
  byId("session-save").disabled = true;
  byId("session-state").textContent = t("camera.saving");
  try {
    const title = byId("session-name").value.trim() || name;
    const sha256 = file ? await sha256Of(file) : null;
    const job = await importResult(record.result({ ended, sha256, name: file?.name ?? null }), title);
    if (file) await storeRecording(job.job_id, file);
    location.assign(`/#job/${job.job_id}`);
  } catch (problem) {
    byId("session-save").disabled = false;
    byId("session-state").textContent = problem.code === "offline" ? t("trouble.offline") : errorTitle(problem);
    if (!problem.code) throw problem;
  }
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(offered.file);
  link.download = offered.file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Start the buttons of the card. */
export function startSaving() {
  byId("keep-picture").disabled = !canRecord();
  byId("session-save").addEventListener("click", save);
  byId("session-download").addEventListener("click", download);
}
