/** Where videos enter: the file chooser, files dropped anywhere on the page, and the limits that hold for them. */

import { limits } from "../api/limits.js";
import { byId } from "../common/dom.js";
import { fileSize, longSpan, t } from "../common/i18n.js";
import { send } from "../jobs/uploads.js";
import { isPicture } from "../pictures/kinds.js";
import { addPictures } from "../pictures/pictures.js";
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
 * Upload videos with the option chosen on the page, and analyse pictures.
 * @param {Iterable<File> & { length: number }} files
 */
export function sendAll(files) {
  const annotate = byId("annotate").checked;
  const [pictures, videos] = [true, false].map((wanted) => [...files].filter((file) => isPicture(file) === wanted));
  const awaited = videos.length === 1 && !pictures.length;
  for (const file of videos) send(file, { annotate, awaited });
  if (pictures.length) addPictures(pictures, (file) => send(file, { annotate, awaited: false }));
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
