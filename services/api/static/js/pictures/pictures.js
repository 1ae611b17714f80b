/** The pictures of this page: sent to the service, shown with their results, and forgotten with the page. */

import { analyzePicture, Problem } from "../api/client.js";
import { limits } from "../api/limits.js";
import { limitConcurrency } from "../common/concurrency.js";
import { announce, byId } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { isVideoWhenAnimated } from "./kinds.js";
import { pictureCard, pictureText } from "./picture-card.js";

/** Pictures that are sent at the same time. */
const TOGETHER = 2;

const inTurn = limitConcurrency(TOGETHER);

/** Newest first. */
let entries = [];

function remove(entry) {
  const place = entries.indexOf(entry);
  URL.revokeObjectURL(entry.url);
  entries = entries.filter((other) => other !== entry);
  draw();
  const buttons = byId("picture-list").querySelectorAll("button");
  (buttons[Math.min(place, buttons.length - 1)] ?? byId("file")).focus();
}

function draw() {
  byId("pictures").hidden = !entries.length;
  byId("picture-list").replaceChildren(...entries.map((entry) => pictureCard(entry, () => remove(entry))));
}

/** Draw one card again, so that the others keep the focus and their pictures. */
function redraw(entry) {
  const card = byId("picture-list").children[entries.indexOf(entry)];
  card?.replaceWith(pictureCard(entry, () => remove(entry)));
}

function refusal({ size }) {
  const known = limits();
  if (!known || size <= known.max_pictures_bytes) return null;
  return new Problem({ code: "too_large", title: "The upload is too large", status: 413 });
}

async function analyze(entry, sendAsVideo) {
  try {
    const problem = refusal(entry.file);
    if (problem) throw problem;
    entry.result = await inTurn(() => analyzePicture(entry.file));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem; // a fault of this page: keep it visible in the console
    if (problem.code === "animated_picture" && isVideoWhenAnimated(entry.file)) {
      remove(entry);
      sendAsVideo(entry.file);
      return;
    }
    entry.problem = problem;
  }
  if (!entries.includes(entry)) return;
  redraw(entry);
  announce(t("pictures.announce", { name: entry.name, finding: pictureText(entry) }));
}

/**
 * Analyse pictures and show them.
 * @param {File[]} files
 * @param {(file: File) => void} sendAsVideo for an animation, which is a video
 */
export function addPictures(files, sendAsVideo) {
  const added = files.map((file) => ({ file, name: file.name, url: URL.createObjectURL(file) }));
  entries = [...added, ...entries];
  draw();
  for (const entry of added) analyze(entry, sendAsVideo);
}

/** Keep the cards in the chosen language. */
export function startPictures() {
  document.addEventListener("language", draw);
}
