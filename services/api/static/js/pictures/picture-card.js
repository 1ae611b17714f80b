/** A picture with the boxes of its faces, and the faces in words. */

import { iconButton, make, makeSvg } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { windowText } from "../common/window-text.js";
import { remedyFor } from "../jobs/text.js";

/** Size of a number on a box, as a share of the picture's longer side. */
const NUMBER_SHARE = 1 / 28;

/** Gap between a box and its number, in heights of the number. */
const GAP = 0.3;

function drawBoxes({ picture: { width, height }, faces }) {
  const size = Math.max(width, height) * NUMBER_SHARE;
  const boxes = faces.map((face, index) => {
    const [left, top, wide, high] = face.box;
    const box = makeSvg("rect", { x: left, y: top, width: wide, height: high });
    const above = top - size * GAP;
    const number = makeSvg("text", { x: left, y: above > size ? above : top + high + size * (1 + GAP), "font-size": size }, String(index + 1));
    return makeSvg("g", { class: face.uncertain ? "picture-face uncertain" : `picture-face ${face.emotion}` }, box, ...(faces.length > 1 ? [number] : []));
  });
  return makeSvg("svg", { class: "picture-boxes", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...boxes);
}

function faceItem(face) {
  const flags = face.flags.map((flag) => t(`flags.${flag}`)).join(", ");
  const mark = make("span", { class: face.uncertain ? "picture-mark uncertain" : `picture-mark ${face.emotion}`, "aria-hidden": "true" });
  return make("li", {}, mark, windowText(face), flags && make("span", { class: "fine" }, ` ${flags}`));
}

/**
 * @param {{ result?: object, problem?: object }} entry
 * @returns {string} the state in words
 */
export function pictureText({ result, problem }) {
  if (problem) return problem.code === "offline" ? t("jobs.unreachable") : errorTitle(problem);
  if (!result) return t("pictures.analysing");
  return result.faces.length ? t("result.faces", { count: result.faces.length }) : t("pictures.no_face");
}

/**
 * @param {{ name: string, url: string, result?: object, problem?: object }} entry url: of the picture itself
 * @param {() => void} onRemove
 * @returns {HTMLElement}
 */
export function pictureCard(entry, onRemove) {
  const { name, url, result, problem } = entry;
  const remedy = problem && remedyFor(problem);
  const faces = result?.faces.length ? make("ol", { class: result.faces.length > 1 ? "picture-faces" : "picture-faces single" }, ...result.faces.map(faceItem)) : null;
  const image = make("img", { src: url, alt: t("pictures.alt", { name, finding: pictureText(entry) }) });
  return make(
    "li",
    { class: "picture" },
    make("div", { class: "picture-stage" }, make("div", { class: "picture-frame" }, image, result ? drawBoxes(result) : null)),
    make(
      "div",
      { class: "picture-words" },
      make("div", { class: "picture-head" }, make("span", { class: "picture-name" }, name), iconButton("close", t("pictures.remove", { name }), onRemove)),
      make("p", { class: "picture-state" }, pictureText(entry), problem ? make("code", {}, problem.code) : null),
      remedy ? make("p", { class: "fine" }, remedy) : null,
      faces,
    ),
  );
}
