/** Record a video with the camera and upload it like any other file. Nothing leaves the browser before the recording is stopped. */

import { openCamera } from "../camera/devices.js";
import { byId } from "../common/dom.js";
import { clock, t, when } from "../common/i18n.js";
import { sendAll } from "./drop-zone.js";

const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];
const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 } };

let visit = null; // { stream, recorder, timer } while the dialog is open

const note = (key, values) => { byId("recorder-note").textContent = t(key, values); };
const release = (stream) => stream?.getTracks().forEach((track) => track.stop());

/** Permission may be granted after the dialog was closed or reopened: the stream is then released. */
async function open() {
  const own = { stream: null, recorder: null, timer: null };
  visit = own;
  byId("recorder").showModal();
  byId("recorder-toggle").disabled = true;
  byId("recorder-toggle").textContent = t("record.start");
  note("record.asking");
  try {
    const stream = await openCamera(SIZE);
    if (visit === own) own.stream = stream;
    else release(stream);
  } catch (error) {
    if (visit === own) note(error.name === "NotAllowedError" ? "record.denied" : "record.missing");
    return;
  }
  if (visit !== own) return;
  byId("recorder-view").srcObject = own.stream;
  byId("recorder-toggle").disabled = false;
  note("record.ready");
}

/** Closing the dialog discards the recording; stopping it uploads it. */
function start() {
  const own = visit;
  const pieces = [];
  const began = Date.now();
  const recorder = new MediaRecorder(own.stream, { mimeType: KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) });
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  recorder.addEventListener("stop", () => visit === own && finish(pieces, recorder.mimeType, began), { once: true });
  recorder.start(1000);
  own.recorder = recorder;
  own.timer = setInterval(() => note("record.recording", { time: clock((Date.now() - began) / 1000, 0) }), 250);
  byId("recorder-toggle").textContent = t("record.stop");
}

function finish(pieces, type, began) {
  const ending = type.startsWith("video/mp4") ? "mp4" : "webm";
  sendAll([new File(pieces, `${t("record.name", { time: when(began) })}.${ending}`, { type: type.split(";")[0] })]);
  byId("recorder").close();
}

function leave() {
  clearInterval(visit.timer);
  release(visit.stream);
  byId("recorder-view").srcObject = null;
  visit = null;
}

/** Start the button that records with the camera, where the browser can. */
export function startRecorder() {
  byId("record").hidden = !navigator.mediaDevices || !("MediaRecorder" in window);
  byId("record").addEventListener("click", open);
  byId("recorder-toggle").addEventListener("click", () => (visit.recorder ? visit.recorder.stop() : start()));
  byId("recorder-cancel").addEventListener("click", () => byId("recorder").close());
  byId("recorder").addEventListener("close", leave);
}
