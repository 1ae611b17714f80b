/** The page at /camera: streams the camera to a live session and draws the results over its picture. */

import { findLabels } from "../api/client.js";
import { promptForKey, startKey } from "../api/key.js";
import { chosenCamera, drawCameras, openCamera, startCameraChoice } from "../camera/devices.js";
import { RecentTimeline } from "../camera/recent-timeline.js";
import { drawSession, SavedSession, startSaving } from "../camera/saved-session.js";
import { relativeFace, RestingFace, TAKING_S } from "../camera/resting-face.js";
import { CameraSession } from "../camera/session.js";
import { byId, make } from "../common/dom.js";
import { EMOTIONS } from "../common/emotions.js";
import { currentLanguage, decimal, setLanguage, t } from "../common/i18n.js";
import { windowText } from "../common/window-text.js";
import { drawOverlay } from "../overlay/overlay.js";
import { drawLegend } from "../timeline/legend.js";

const RATE_HZ = 10;
const WIDTH = 640;
const QUALITY = 0.85;
const MAX_PENDING = 4; // frames in flight; more would only queue
const RECONNECT_MS = 3000;
const FIGURES_WINDOW_MS = 2000; // over which rate and latency are measured

const REFUSALS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

const REASONS = { no_worker: "no_worker", too_many_sessions: "too_many_sessions", idle: "idle_session", unauthorized: "unauthorized", forbidden: "unauthorized" };

const video = byId("picture");
const canvas = document.createElement("canvas");
const recent = new RecentTimeline(byId("recent"));

let labels = EMOTIONS; // until the service has sent its own
let camera = null;
let session = null;
let visit = null; // from start to stop, which can be saved
const visits = new WeakMap(); // by session, which still receives its last results when another visit has begun
let timer = null;
let reconnectTimer = null;
let note = "idle";
let dropped = 0;
let overloadHz = null; // highest rate of every session while the service is overloaded
let dueMs = 0; // when the next frame is within it
let results = []; // { at, latency } of the last FIGURES_WINDOW_MS, both in ms
let lastPositions = new Map(); // face id -> its newest position
let shown = [];
let last = null; // the last result
let canRest = false; // whether the model has relative predictions
const resting = new RestingFace();

function setNote(key) {
  note = key;
  const text = key ? t(`camera.notes.${key}`, { rate: decimal(Math.max(overloadHz ?? 0, 1), 0) }) : "";
  if (byId("note").textContent !== text) byId("note").textContent = text;
}

async function start() {
  byId("toggle").disabled = true;
  setNote("asking");
  const wanted = chosenCamera();
  try {
    if (!navigator.mediaDevices) throw new DOMException("", window.isSecureContext ? "NotFoundError" : "SecurityError");
    camera = await openCamera({ width: { ideal: WIDTH } });
  } catch (error) {
    setNote(REFUSALS[error.name] ?? "missing");
    byId("toggle").disabled = false;
    return;
  }
  if (chosenCamera() !== wanted) { // another one was chosen meanwhile
    camera.getTracks().forEach((track) => track.stop());
    camera = null;
    return start();
  }
  const opened = camera;
  video.srcObject = opened;
  opened.getVideoTracks()[0].addEventListener("ended", () => stop());
  try {
    await video.play();
  } catch (error) {
    if (camera === opened) throw error;
  }
  if (camera !== opened) return; // stopped, or another one was chosen meanwhile
  byId("toggle").disabled = false;
  label();
  drawCameras(camera);
  visit = new SavedSession(camera);
  connect();
}

function connect() {
  setNote("connecting");
  lastPositions.clear();
  recent.clear();
  dropped = 0;
  overloadHz = null;
  results = [];
  resting.clear();
  session = new CameraSession({ onMessage: receive, onEnd: ended });
  visits.set(session, visit);
  timer = setInterval(sendFrame, 1000 / RATE_HZ);
}

function stop(reason = "idle") {
  clearTimeout(reconnectTimer);
  clearInterval(timer);
  visit?.end(); // the recording ends before its camera
  session?.close();
  camera?.getTracks().forEach((track) => track.stop());
  camera = session = visit = video.srcObject = null;
  resting.clear();
  show([], { width: WIDTH, height: WIDTH }, 0);
  label();
  setNote(reason);
}

/** Another camera begins another session. */
function restart() {
  if (!camera) return;
  stop();
  start();
}

/** Reconnect after the end of a session, unless it was stopped here. */
async function ended(reason, from) {
  if (from !== session) return;
  clearInterval(timer);
  resting.clear();
  const noteKey = REASONS[reason] ?? "offline";
  setNote(noteKey);
  show([], { width: WIDTH, height: WIDTH }, 0);
  if (noteKey !== "unauthorized") {
    reconnectTimer = setTimeout(connect, RECONNECT_MS);
    return;
  }
  const newKey = await promptForKey();
  if (from !== session) return;
  if (newKey) connect();
  else stop(noteKey);
}

async function sendFrame() {
  const current = session;
  if (document.hidden || !video.videoWidth || !current?.open) return;
  if (current.pending >= MAX_PENDING) {
    dropped += 1;
    return;
  }
  const capturedMs = performance.now();
  if (exceedsOverloadRate(capturedMs)) return;
  canvas.width = WIDTH;
  canvas.height = Math.round((WIDTH * video.videoHeight) / video.videoWidth);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", QUALITY); });
  const picture = await blob.arrayBuffer();
  if (current === session && current.open) current.send(picture, capturedMs);
}

/** Whether a frame would be dropped, since all sessions of an overloaded service get a lower rate. */
function exceedsOverloadRate(now) {
  if (overloadHz === null) return false;
  const interval = 1000 / overloadHz;
  if (now < dueMs) return true;
  dueMs = Math.max(dueMs, now - interval) + interval;
  return false;
}

function takeOverload(rate) {
  if (rate === overloadHz) return;
  overloadHz = rate;
  setNote(rate === null ? "" : "overloaded");
}

function useLabels(found) {
  if (!found) return;
  labels = found;
  drawLegend(labels);
}

function receive(message, from) {
  visits.get(from).take(message);
  if (from !== session) return;
  if (message.type === "session.created") {
    useLabels(message.model?.labels);
    canRest = Boolean(message.model?.relative);
    setNote("");
  }
  if (resting.take(message, performance.now())) restingChanged();
  if (["result", "dropped"].includes(message.type)) takeOverload(message.overload_rate_hz ?? null);
  if (message.type === "dropped") dropped += 1;
  if (message.type !== "result") return;
  results.push({ at: performance.now(), latency: message.seen_ms });
  for (const face of message.faces) {
    if (face.positions.length) lastPositions.set(face.face_id, face.positions.at(-1));
  }
  show(message.faces, message, message.captured_at);
}

/** Take the face in view as the resting face. */
function rest() {
  const now = performance.now();
  if (!session?.rest(TAKING_S, now)) return;
  resting.begin(now);
  drawResting();
}

/** Once a resting face is accepted, the predictions relative to it are shown. */
function restingChanged() {
  if (resting.state === "known") byId("relative").checked = true;
  drawResting();
}

const RESTING_NOTES = { none: () => "", taking: takingText, known: knownText, refused: refusedText, away: () => t("camera.resting.away") };

function takingText() {
  const left = resting.left(performance.now());
  return left ? t("camera.resting.taking", { seconds: left }) : t("camera.resting.waiting");
}

function knownText() {
  const text = t("camera.resting.known", { face: t("faces.name", { id: resting.faceId }) });
  return resting.expressive ? `${text} ${t("camera.resting.expressive")}` : text;
}

function refusedText() {
  return t(`camera.resting.refused.${resting.code}`);
}

function drawResting() {
  const { state } = resting;
  byId("resting-line").hidden = !camera || !canRest;
  byId("rest").disabled = state === "taking" || !shown.length;
  byId("relative-line").hidden = !["known", "away"].includes(state);
  const note = RESTING_NOTES[state]();
  if (byId("resting-note").textContent !== note) byId("resting-note").textContent = note;
}

function show(found, { width, height }, time) {
  last = [found, { width, height }];
  const faces = byId("relative").checked ? found.map(relativeFace) : found;
  shown = faces;
  drawResting();
  const view = {
    result: { video: { width, height }, faces: faces.map((face) => ({ face_id: face.face_id, positions: [{ time_s: 0, box: lastPositions.get(face.face_id)?.box }] })) },
    spans: new Map(faces.map((face) => [face.face_id, face.emotion ? [{ start: 0, end: 1, window: face }] : []])),
    hidden: new Set(faces.filter((face) => !lastPositions.has(face.face_id)).map((face) => face.face_id)),
  };
  drawOverlay(byId("overlay"), view, 0);
  listFaces();
  if (time) recent.add(time, faces);
}

function listFaces() {
  byId("no-face").hidden = shown.length > 0 || !camera;
  byId("faces").replaceChildren(...shown.map((face) => {
    const text = face.emotion ? windowText(face) : t("camera.warming_up");
    const colour = face.uncertain ? "unknown" : face.emotion ?? "";
    return make("li", { class: `live-face ${colour}`, "data-emotion": face.emotion ?? "" },
      make("p", { class: "name" }, t("faces.name", { id: face.face_id }), make("span", {}, text)),
      make("progress", { max: 1, value: face.confidence ?? 0, "aria-label": text }));
  }));
}

function drawFigures() {
  const since = performance.now() - FIGURES_WINDOW_MS;
  results = results.filter((result) => result.at >= since);
  const latencies = results.map((result) => result.latency).sort((a, b) => a - b);
  const running = camera && latencies.length;
  byId("rate").textContent = running ? decimal((results.length * 1000) / FIGURES_WINDOW_MS, 1) : "–";
  byId("latency").textContent = running ? `${decimal(latencies[latencies.length >> 1], 0)} ms` : "–";
  byId("dropped").textContent = camera ? decimal(dropped, 0) : "–";
}

function label() {
  byId("toggle").textContent = t(camera ? "camera.stop" : "camera.start");
}

function translate() {
  byId("language").value = currentLanguage();
  drawLegend(labels);
  label();
  setNote(note);
  listFaces();
  drawResting();
  recent.draw();
  drawSession();
  drawCameras(camera);
}

document.addEventListener("language", translate);
document.addEventListener("theme", () => recent.draw());
byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
byId("toggle").addEventListener("click", () => (camera ? stop() : start()));
byId("rest").addEventListener("click", rest);
byId("relative").addEventListener("change", () => last && show(...last, 0));
setInterval(drawFigures, 500);
startSaving();
startCameraChoice(restart);
startKey();
findLabels().then(useLabels);
setLanguage();
