/** Record a video with the camera and send it like any other file. Nothing leaves the browser before "stop". */

import { byId } from "./dom.js";
import { sendAll } from "./home.js";
import { clock, t, when } from "./i18n.js";

const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];
const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };

let stream = null;
let recorder = null;
let timer = null;

const note = (key, values) => { byId("recorder-note").textContent = t(key, values); };

async function open() {
  byId("recorder").showModal();
  byId("recorder-toggle").disabled = true;
  byId("recorder-toggle").textContent = t("record.start");
  note("record.asking");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: SIZE, audio: false });
  } catch (error) {
    note(error.name === "NotAllowedError" ? "record.denied" : "record.missing");
    return;
  }
  byId("recorder-view").srcObject = stream;
  await byId("recorder-view").play();
  byId("recorder-toggle").disabled = false;
  note("record.ready");
}

function start() {
  const pieces = [];
  const began = Date.now();
  recorder = new MediaRecorder(stream, { mimeType: KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) });
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  recorder.addEventListener("stop", () => finish(pieces, recorder.mimeType, began), { once: true });
  recorder.start(1000);
  byId("recorder-toggle").textContent = t("record.stop");
  timer = setInterval(() => note("record.recording", { time: clock((Date.now() - began) / 1000, 0) }), 250);
}

function finish(pieces, type, began) {
  const ending = type.startsWith("video/mp4") ? "mp4" : "webm";
  sendAll([new File(pieces, `${t("record.name", { time: when(began) })}.${ending}`, { type: type.split(";")[0] })]);
  byId("recorder").close();
}

function release() {
  clearInterval(timer);
  stream?.getTracks().forEach((track) => track.stop());
  byId("recorder-view").srcObject = null;
  stream = recorder = null;
}

export function startRecorder() {
  byId("record").hidden = !navigator.mediaDevices || !("MediaRecorder" in window);
  byId("record").addEventListener("click", open);
  byId("recorder-toggle").addEventListener("click", () => (recorder ? recorder.stop() : start()));
  byId("recorder-cancel").addEventListener("click", () => byId("recorder").close());
  byId("recorder").addEventListener("close", release);
}
