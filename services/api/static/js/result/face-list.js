/** A card for each face: picture, current emotion, shares of time, and a switch that hides it. */

import { byId, make } from "../common/dom.js";
import { clock, emotionName, percent, t } from "../common/i18n.js";
import { watchOverflow } from "../common/overflow.js";
import { windowText } from "../common/window-text.js";
import { boxAt, sharesOf, uncertainShare, windowAt } from "../timeline/timebase.js";

/** The thumbnail of a face, showing its number until there is a picture. */
const thumb = (face) => make("div", { class: "thumb", "data-thumb": face.face_id, "aria-hidden": "true" }, String(face.face_id));

const known = new WeakMap(); // shares by the spans that they are of

/** Shares of time of each emotion and of uncertain windows, as a bar and in words. */
function timeShares(spans) {
  const [shares, uncertain] = known.get(spans) ?? [sharesOf(spans), uncertainShare(spans)];
  known.set(spans, [shares, uncertain]);
  const words = shares.map(([emotion, share]) => `${emotionName(emotion)} ${percent(share)}`);
  if (uncertain > 0) words.push(shares.length ? `${t("faces.uncertain")} ${percent(uncertain)}` : t("share.all_uncertain"));
  const bars = [...shares, ...(uncertain > 0 ? [["hatched", uncertain]] : [])].map(([kind, share]) => {
    const bar = make("i", { class: kind });
    bar.style.flexGrow = share;
    return bar;
  });
  return [
    make("div", { class: "segments", "aria-hidden": "true" }, ...bars),
    make("p", { class: "shares" }, make("span", { class: "when" }, t("share.title")), " ", words.join(" · ")),
  ];
}

function toggle(face, view, onToggle) {
  const input = make("input", {
    type: "checkbox",
    "aria-label": t("faces.show", { id: face.face_id }),
    onchange: (event) => onToggle(face.face_id, event.target.checked),
  });
  input.checked = !view.hidden.has(face.face_id);
  return make("label", { class: "switch" }, input, make("span"));
}

function card(face, view, onToggle) {
  const seen = t("faces.seen", { start: clock(face.start_s), end: clock(face.end_s) });
  const line = Object.assign(make("div", { class: "face-now" }), { face });
  return make(
    "li",
    { class: `face${view.hidden.has(face.face_id) ? " off" : ""}`, "data-face": face.face_id },
    thumb(face),
    make("div", { class: "face-name" }, `${t("faces.name", { id: face.face_id })} `, make("span", { class: "soft" }, seen)),
    toggle(face, view, onToggle),
    line,
    ...timeShares(view.spans.get(face.face_id)),
  );
}

/**
 * Draw the cards and the lane heads.
 * @param {object} view
 * @param {(faceId: number, shown: boolean) => void} onToggle called by the switches
 */
export function drawFaces(view, onToggle) {
  const { faces } = view.result;
  byId("face-list").replaceChildren(
    ...(faces.length ? faces.map((face) => card(face, view, onToggle)) : [make("li", { class: "no-faces" }, t("faces.none"))]),
  );
  byId("lane-heads").replaceChildren(
    ...faces.map((face) =>
      make(
        "li",
        { class: `lane-head${view.hidden.has(face.face_id) ? " off" : ""}` },
        thumb(face),
        make("span", { class: "long" }, t("faces.name", { id: face.face_id })),
        make("span", { class: "short" }, String(face.face_id)),
      ),
    ),
  );
  for (const [id, picture] of view.thumbs) placeThumb(id, picture);
}

/** Count the cards below the visible ones, on a button that scrolls to them. */
export function startFaceList() {
  const list = byId("face-list");
  const more = byId("face-more");
  watchOverflow(list, (sides) => {
    const end = list.getBoundingClientRect().bottom;
    const count = [...list.children].filter((item) => item.getBoundingClientRect().bottom > end + 8).length;
    more.hidden = !sides.includes("bottom") || count === 0;
    more.textContent = t("faces.more", { count });
  });
  more.addEventListener("click", () => list.scrollBy({ top: list.clientHeight * 0.8, behavior: "smooth" }));
}

/**
 * Replace the number of a face by its picture.
 * @param {number} id
 * @param {HTMLCanvasElement} picture
 */
export function placeThumb(id, picture) {
  for (const holder of document.querySelectorAll(`[data-thumb="${id}"]`)) {
    const canvas = make("canvas", { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    holder.replaceChildren(canvas);
  }
}

/**
 * Update what each face shows at a time.
 * @param {object} view
 * @param {number} time seconds
 */
export function updateFaces(view, time) {
  for (const line of byId("face-list").getElementsByClassName("face-now")) {
    const face = line.face;
    const there = boxAt(face, time) !== null;
    const found = there ? windowAt(view.spans.get(face.face_id), time) : there;
    if (line.found === found) continue;
    line.found = found;
    line.replaceChildren(...(found ? now(found) : [make("span", { class: "soft" }, t(there ? "faces.waiting" : "faces.away"))]));
  }
}

function now(window) {
  const when = make("span", { class: "when" }, t("faces.now"));
  return window.uncertain
    ? [when, make("span", { class: "swatch hatched" }), make("b", {}, t("faces.uncertain")), make("span", { class: "soft" }, windowText({ ...window, uncertain: false }))]
    : [when, make("span", { class: `swatch ${window.emotion}` }), make("b", {}, emotionName(window.emotion)), make("span", { class: "soft" }, percent(window.confidence))];
}
