/** Where videos enter: the file chooser, files dropped anywhere on the page, and the limits that hold for them. */

import { limits } from "../api/limits.js";
import { byId } from "../common/dom.js";
import { fileSize, longSpan, t } from "../common/i18n.js";
import { send } from "../jobs/uploads.js";
import { readDrop } from "./dropped-files.js";

/** The whole page accepts files: a browser would navigate to one that misses the zone. */
function acceptDrops(zone) {
  const onDrag = (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  };
  document.addEventListener("dragenter", onDrag);
  document.addEventListener("dragover", onDrag);
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (event.defaultPrevented || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    handleDrop(event.dataTransfer);
  });
}

async function handleDrop(transfer) {
  const { files, empty } = await readDrop(transfer);
  if (files.length || empty.length) location.hash = "";
  byId("drop-note").textContent = empty.map((name) => t("drop.no_video_in_folder", { name })).join(" ");
  sendAll(files);
}

/**
 * Upload files with the option chosen on the page.
 * @param {Iterable<File> & { length: number }} files
 */
export function sendAll(files) {
  const annotate = byId("annotate").checked;
  const awaited = files.length === 1;
  for (const file of files) send(file, { annotate, awaited });
}

/** Show the limits of an upload and the retention of results. */
export function drawLimits() {
  const known = limits();
  byId("limits").hidden = !known;
  if (!known) return;
  const size = fileSize(known.max_upload_bytes);
  const bounds = { size, length: longSpan(known.max_duration_s), kept: longSpan(known.result_ttl_s) };
  const stored = known.keeps_results && known.stored_bytes ? t("home.stored", { size: fileSize(known.stored_bytes) }) : null;
  byId("limits").textContent = [t(known.keeps_results ? "home.limits_kept" : "home.limits", bounds), stored].filter(Boolean).join(" ");
}

/** Accept chosen and dropped files. */
export function startDropZone() {
  acceptDrops(byId("drop"));
  byId("file").addEventListener("change", ({ target }) => {
    byId("drop-note").textContent = "";
    sendAll(target.files);
    target.value = "";
  });
}
