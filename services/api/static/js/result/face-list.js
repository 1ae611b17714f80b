/** A card for each face: picture, current emotion, shares of time, and a switch that hides it. */

import { byId, icon, make } from "../common/dom.js";
import { faceName, faceNameWithin } from "../common/face-name.js";
import { clock, emotionName, percent, t } from "../common/i18n.js";
import { watchOverflow } from "../common/overflow.js";
import { windowText } from "../common/window-text.js";
import { startNaming } from "../edits/naming.js";
import { boxAt, byTalking, sharesOf, uncertainShare, windowAt } from "../timeline/timebase.js";

/** An exclusion that reaches further beyond the end of its face than this, in seconds, is shown as ending there. */
const LONG_S = 0.5;

/**
 * @param {object} face
 * @param {HTMLCanvasElement} [picture]
 * @returns {HTMLElement} its thumbnail, showing its number until there is a picture
 */
export function thumb(face, picture) {
  const holder = make("div", { class: "thumb", "data-thumb": face.face_id, "aria-hidden": "true" }, String(face.face_id));
  if (picture) holder.replaceChildren(copyOf(picture));
  return holder;
}

function copyOf(picture) {
  const canvas = make("canvas", { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas;
}

const known = new WeakMap(); // shares by the spans that they are of

function sharesText(shares, uncertain) {
  const words = shares.map(([emotion, share]) => `${emotionName(emotion)} ${percent(share)}`);
  if (uncertain > 0) words.push(shares.length ? `${t("faces.uncertain")} ${percent(uncertain)}` : t("share.all_uncertain"));
  return words.join(" · ");
}

/** The same figures while the person talks, and while silent. */
const talkingShares = (spans) =>
  byTalking(spans).map(({ talking, share, spans: part }) =>
    make("p", { class: "shares talking-shares" },
      make("span", { class: "when" }, t(talking ? "share.talking" : "share.silent", { share: percent(share) })), " ",
      sharesText(sharesOf(part), uncertainShare(part))));

/** Shares of time of each emotion and of uncertain windows, as a bar and in words. */
function timeShares(spans) {
  const [shares, uncertain] = known.get(spans) ?? [sharesOf(spans), uncertainShare(spans)];
  known.set(spans, [shares, uncertain]);
  const bars = [...shares, ...(uncertain > 0 ? [["hatched", uncertain]] : [])].map(([kind, share]) => {
    const bar = make("i", { class: kind });
    bar.style.flexGrow = share;
    return bar;
  });
  return [
    make("div", { class: "segments", "aria-hidden": "true" }, ...bars),
    make("p", { class: "shares" }, make("span", { class: "when" }, t("share.title")), " ", sharesText(shares, uncertain)),
    ...talkingShares(spans),
  ];
}

function toggle(face, view, { onToggle }) {
  const input = make("input", {
    type: "checkbox",
    "aria-label": t("faces.show", { name: faceNameWithin(face) }),
    onchange: (event) => onToggle(face.face_id, event.target.checked),
  });
  input.checked = !view.hidden.has(face.face_id);
  return make("label", { class: "switch" }, input, make("span"));
}

/** The name of a face: a button that turns it into a field, where the result can be edited. */
function title(face, { editable, onName }) {
  if (!editable) return make("span", { class: "face-title" }, faceName(face));
  const button = make("button", { class: "face-title", type: "button", title: t("edits.rename"), "aria-label": t("edits.rename_face", { face: faceName(face) }) },
    faceName(face), icon("pencil"));
  button.addEventListener("click", () => startNaming(button, face, (name) => onName(face.face_id, name)));
  return button;
}

/** What edits excluded of a face, each part with a button that includes it again. */
function exclusions(face, { editable, onInclude }) {
  const spans = face.excluded ? [null] : face.excluded_spans ?? [];
  if (!spans.length) return null;
  const item = (span) => {
    const values = span ? { start: clock(span[0]), end: clock(Math.min(span[1], face.end_s + LONG_S)) } : {};
    const text = t(span ? "edits.left_out_part" : "edits.left_out", values);
    const again = { class: "text-button", type: "button", "aria-label": t("edits.include_again", { what: `${faceName(face)}, ${text}` }) };
    return make("li", {}, `${text} `, editable ? make("button", { ...again, onclick: () => onInclude(face.face_id, span ?? undefined) }, t("edits.include_short")) : null);
  };
  return make("ul", { class: "exclusions" }, ...spans.map(item));
}

function newCard(face, view, actions) {
  const seen = t("faces.seen", { start: clock(face.start_s), end: clock(face.end_s) });
  const line = Object.assign(make("div", { class: "face-now" }), { face });
  const card = make(
    "li",
    { class: "face", "data-face": face.face_id },
    thumb(face, view.thumbs.get(face.face_id)),
    make("div", { class: "face-name" }, title(face, actions), " ", make("span", { class: "soft" }, seen)),
    toggle(face, view, actions),
    line,
    exclusions(face, actions),
    ...timeShares(view.spans.get(face.face_id)),
  );
  card.addEventListener("click", (event) => event.target.closest("button, input, label") || actions.onSelect(face.face_id));
  return card;
}

function newHead(face, view) {
  const head = make("li", { class: "lane-head", "data-face": face.face_id },
    thumb(face, view.thumbs.get(face.face_id)),
    make("span", { class: "long" }, faceName(face)),
    make("span", { class: "short" }, face.name ?? String(face.face_id)));
  head.title = face.name ?? "";
  return head;
}

/** Elements by the face that they show; an edit makes other faces, and only those are drawn anew. */
let cards = new WeakMap();
let heads = new WeakMap();

/** Drop what is drawn, as in another language. */
export function forgetFaces() {
  cards = new WeakMap();
  heads = new WeakMap();
}

/** The elements of faces, those that are known unchanged. */
function elementsOf(faces, known, makeOne) {
  return faces.map((face) => {
    if (!known.has(face)) known.set(face, makeOne(face));
    return known.get(face);
  });
}

/** Replace those children of a list that differ: moving an element loses its focus, and takes the browser time. */
function setChildren(list, children) {
  const kept = new Set(children);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  children.forEach((child, i) => child === list.children[i] || list.insertBefore(child, list.children[i] ?? null));
}

function markState(element, face, view) {
  const isOff = view.hidden.has(face.face_id) || Boolean(face.excluded);
  element.classList.toggle("off", isOff);
  element.classList.toggle("selected", face.face_id === view.selected);
  if (face.face_id === view.selected) element.setAttribute("aria-current", "true");
  else element.removeAttribute("aria-current");
  const input = element.querySelector(".switch input");
  if (input) input.checked = !view.hidden.has(face.face_id);
}

/**
 * Draw the cards and the lane heads.
 * @param {object} view
 * @param {object} actions
 * @param {(faceId: number, shown: boolean) => void} actions.onToggle called by the switches
 * @param {(faceId: number, name: string) => void} actions.onName
 * @param {(faceId: number, span?: [number, number]) => void} actions.onInclude
 * @param {(faceId: number) => void} actions.onSelect
 * @param {boolean} actions.editable
 */
export function drawFaces(view, actions) {
  const { faces } = view.result;
  const drawnCards = elementsOf(faces, cards, (face) => newCard(face, view, actions));
  const drawnHeads = elementsOf(faces, heads, (face) => newHead(face, view));
  faces.forEach((face, i) => [drawnCards[i], drawnHeads[i]].forEach((element) => markState(element, face, view)));
  const none = faces.length ? [] : [make("li", { class: "no-faces" }, t("faces.none"))];
  setChildren(byId("face-list"), [...drawnCards, ...none]);
  setChildren(byId("lane-heads"), drawnHeads);
}

/**
 * Turn the title of a face's card into a field.
 * @param {number} id
 */
export function nameFace(id) {
  const button = document.querySelector(`#face-list [data-face="${id}"] button.face-title`);
  button?.scrollIntoView({ block: "nearest" });
  button?.click();
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
  for (const holder of document.querySelectorAll(`[data-thumb="${id}"]`)) holder.replaceChildren(copyOf(picture));
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
