/** The legend of the timeline, and hatching on a canvas. */

import { byId, cssColour, make } from "../common/dom.js";
import { emotionName, t } from "../common/i18n.js";

const TILE = 8; // CSS pixels from one line to the next
const LINE = 2.1;

const patterns = new Map(); // by colour and the screen's pixels

/** Diagonal lines as a fill: clipping lines to thousands of rectangles is too slow. */
function hatching(context) {
  const ratio = window.devicePixelRatio || 1;
  const colour = cssColour("hatch");
  const key = `${colour} ${ratio}`;
  if (!patterns.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(TILE * ratio);
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = LINE * ratio;
    pen.beginPath();
    for (const shift of [-1, 0, 1]) { // the neighbours' lines reach into the corners
      pen.moveTo((shift - 0.5) * tile.width, 1.5 * tile.height);
      pen.lineTo((shift + 1.5) * tile.width, -0.5 * tile.height);
    }
    pen.stroke();
    const lines = context.createPattern(tile, "repeat");
    lines.setTransform(new DOMMatrix().scale(TILE / tile.width));
    patterns.set(key, lines);
  }
  return patterns.get(key);
}

/**
 * Hatch a rectangle of a canvas: what is below is uncertain.
 * @param {CanvasRenderingContext2D} context
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @param {number} height
 */
export function hatch(context, left, top, width, height) {
  context.fillStyle = hatching(context);
  context.fillRect(left, top, width, height);
}

/**
 * @param {string[]} labels
 * @param {string | null} note added below the colours
 * @param {boolean} talking whether the lanes show where people talk
 */
export function drawLegend(labels, note = null, talking = false) {
  const swatch = (kind, text) => make("li", {}, make("span", { class: `swatch ${kind}` }), text);
  byId("legend").replaceChildren(
    ...labels.map((emotion) => swatch(emotion, emotionName(emotion))),
    swatch("hatched", t("timeline.uncertain")),
    ...(talking ? [swatch("talking", t("timeline.talking_line"))] : []),
    ...(note ? [make("li", { class: "legend-note" }, note)] : []),
  );
}
