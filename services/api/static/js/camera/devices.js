/** The choice of the camera, which this browser remembers. */

import { byId, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

const KEY = "duygu.camera";

let memory = null; // where storage is forbidden

/** @returns {string | null} id of the chosen camera */
export function chosenCamera() {
  try {
    return localStorage.getItem(KEY) ?? memory;
  } catch {
    return memory;
  }
}

function choose(id) {
  memory = id;
  try {
    localStorage.setItem(KEY, id);
  } catch {
    // Private windows may forbid storage; the choice then lasts until the page closes.
  }
}

/**
 * Open the chosen camera; where there is none, or it is gone, the one that faces the person.
 * @param {MediaTrackConstraints} size
 * @returns {Promise<MediaStream>}
 * @throws {DOMException}
 */
export async function openCamera(size) {
  const open = (which) => navigator.mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false });
  const id = chosenCamera();
  try {
    return await open(id ? { deviceId: { exact: id } } : { facingMode: "user" });
  } catch (problem) {
    if (!id || problem.name !== "OverconstrainedError") throw problem;
    return open({ facingMode: "user" });
  }
}

/**
 * Draw the choice. Browsers name the cameras only once the camera is permitted; a single one is no choice.
 * @param {MediaStream | null} [stream] in use
 */
export async function drawCameras(stream = null) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
  byId("camera-choice").hidden = cameras.length < 2;
  const options = cameras.map(({ deviceId, label }, i) => make("option", { value: deviceId }, label || t("camera.number", { number: i + 1 })));
  const select = byId("camera-select"); // the options of an open choice stay, so that typing goes on
  if (options.length !== select.length || options.some((option, i) => !option.isEqualNode(select[i]))) select.replaceChildren(...options);
  const used = stream?.getVideoTracks()[0]?.getSettings().deviceId ?? chosenCamera();
  if (cameras.some(({ deviceId }) => deviceId === used)) select.value = used;
}

/**
 * Start the choice.
 * @param {() => void} onChoice called when another camera is chosen
 */
export function startCameraChoice(onChoice) {
  byId("camera-select").addEventListener("change", ({ target }) => {
    choose(target.value);
    onChoice();
  });
  navigator.mediaDevices?.addEventListener?.("devicechange", () => drawCameras());
  drawCameras();
}
