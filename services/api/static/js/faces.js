/** The list of people: who they are, what they show now and over all, and a switch to leave one out. */

import { byId, icon, make } from "./dom.js";
import { finding } from "./finding.js";
import { clock, emotionName, percent, t } from "./i18n.js";
import { boxAt, sharesOf, uncertainShare, windowAt } from "./timebase.js";

const thumb = (face) => make("div", { class: "thumb", "data-thumb": face.face_id }, icon("face"));

/** How much of a face's time goes to each emotion, and how much to none for certain: as a bar, and in words. */
function timeShares(spans) {
  const shares = sharesOf(spans);
  const unsure = uncertainShare(spans);
  const words = shares.map(([emotion, share]) => `${emotionName(emotion)} ${percent(share)}`);
  if (unsure > 0) words.push(shares.length ? `${t("faces.uncertain")} ${percent(unsure)}` : t("share.all_uncertain"));
  const bars = [...shares, ...(unsure > 0 ? [["hatched", unsure]] : [])].map(([kind, share]) => {
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
  return make(
    "li",
    { class: `face${view.hidden.has(face.face_id) ? " off" : ""}`, "data-face": face.face_id },
    thumb(face),
    make("div", { class: "face-name" }, `${t("faces.name", { id: face.face_id })} `, make("span", { class: "soft" }, seen)),
    toggle(face, view, onToggle),
    make("div", { class: "face-now" }),
    ...timeShares(view.spans.get(face.face_id)),
  );
}

/** Draw list and lane heads anew. `onToggle(face_id, shown)` hears the switches. */
export function drawFaces(view, onToggle) {
  const { faces } = view.result;
  byId("face-list").replaceChildren(
    ...(faces.length ? faces.map((face) => card(face, view, onToggle)) : [make("li", { class: "nobody" }, t("faces.nobody"))]),
  );
  byId("lane-heads").replaceChildren(
    ...faces.map((face) =>
      make(
        "li",
        { class: `lane-head${view.hidden.has(face.face_id) ? " off" : ""}` },
        thumb(face),
        make("span", {}, t("faces.name", { id: face.face_id })),
      ),
    ),
  );
  for (const [id, picture] of view.thumbs) placeThumb(id, picture);
}

/** Put a face's own picture where its symbol stands. */
export function placeThumb(id, picture) {
  for (const holder of document.querySelectorAll(`[data-thumb="${id}"]`)) {
    const canvas = make("canvas", { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0);
    holder.replaceChildren(canvas);
  }
}

/** Say of each face what it shows at a time. */
export function updateFaces(view, time) {
  for (const face of view.result.faces) {
    const line = document.querySelector(`[data-face="${face.face_id}"] .face-now`);
    const window = boxAt(face, time) && windowAt(view.spans.get(face.face_id), time);
    const key = window ? `${window.start_s}` : `${Boolean(boxAt(face, time))}`;
    if (!line || line.dataset.shown === key) continue;
    line.dataset.shown = key;
    line.replaceChildren(...(window ? now(window) : [make("span", { class: "soft" }, t(boxAt(face, time) ? "faces.waiting" : "faces.away"))]));
  }
}

function now(window) {
  const when = make("span", { class: "when" }, t("faces.now"));
  return window.uncertain
    ? [when, make("span", { class: "swatch hatched" }), make("b", {}, t("faces.uncertain")), make("span", { class: "soft" }, finding({ ...window, uncertain: false }))]
    : [when, make("span", { class: `swatch ${window.emotion}` }), make("b", {}, emotionName(window.emotion)), make("span", { class: "soft" }, percent(window.confidence))];
}
