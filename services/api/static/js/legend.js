/** What colours and hatching mean, and how hatching is drawn. */

import { byId, cssColour, make } from "./dom.js";
import { emotionName, t } from "./i18n.js";

/** Lines over a rectangle of a canvas: what is below is uncertain. */
export function hatch(context, left, top, width, height) {
  hatchAll(context, [[left, top, width, height]], { left, top, width, height });
}

/** The same over many rectangles, [left, top, width, height], within one that holds them all. */
export function hatchAll(context, rectangles, { left, top, width, height }) {
  context.save();
  context.beginPath();
  for (const sides of rectangles) context.rect(...sides);
  context.clip();
  context.strokeStyle = cssColour("hatch");
  context.lineWidth = 3;
  context.beginPath();
  for (let x = Math.floor((left - height) / 8) * 8; x < left + width; x += 8) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}

/** The colours in words, and what hatching means; `note` where there is more to say. */
export function drawLegend(labels, note = null) {
  const swatch = (kind, text) => make("li", {}, make("span", { class: `swatch ${kind}` }), text);
  byId("legend").replaceChildren(
    ...labels.map((emotion) => swatch(emotion, emotionName(emotion))),
    swatch("hatched", t("timeline.uncertain")),
    ...(note ? [make("li", { class: "legend-note" }, note)] : []),
  );
}
