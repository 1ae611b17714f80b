/** Boxes, ids and emotions over the picture. */

import { cssColour, fitCanvas } from "./dom.js";
import { emotionName, percent, t } from "./i18n.js";
import { boxAt, windowAt } from "./timebase.js";

const LABEL_HEIGHT = 24;

/** On pictures narrower than this, in CSS pixels, labels would hide the faces: they give the number alone. */
const NARROW = 520;

/** Where the picture of `video` lies inside a stage of width x height, as object-fit: contain places it. */
export function pictureIn(video, width, height) {
  const scale = Math.min(width / video.width, height / video.height);
  return { scale, left: (width - video.width * scale) / 2, top: (height - video.height * scale) / 2 };
}

export function drawOverlay(canvas, view, time) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = fitCanvas(canvas, width, height);
  const picture = { ...pictureIn(view.result.video, width, height), narrow: width < NARROW };
  const labels = [];
  for (const face of view.result.faces) {
    const box = view.hidden.has(face.face_id) ? null : boxAt(face, time);
    if (box) labels.push(drawBox(context, picture, box, face, windowAt(view.spans.get(face.face_id), time)));
  }
  drawLabels(context, labels, width);
}

/** Draw the box; returns where its label belongs. */
function drawBox(context, { scale, left, top, narrow }, box, face, window) {
  const [x, y, width, height] = [left + box[0] * scale, top + box[1] * scale, box[2] * scale, box[3] * scale];
  const colour = window ? cssColour(window.emotion) : "#ffffff";
  context.lineJoin = "round";
  context.setLineDash(window?.uncertain ? [7, 5] : []);
  for (const [line, style] of [[5, "rgb(0 0 0 / 55%)"], [2.5, colour]]) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.strokeRect(x, y, width, height);
  }
  context.setLineDash([]);
  return { text: labelOf(face, window, narrow), colour, x, y };
}

function labelOf(face, window, narrow) {
  const name = narrow ? String(face.face_id) : t("faces.name", { id: face.face_id });
  return window ? `${name} · ${emotionName(window.emotion)} ${percent(window.confidence)}` : name;
}

/** From the top down; a label that would cover another one moves up or, at the top, down. */
function drawLabels(context, labels, stageWidth) {
  context.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  const placed = [];
  for (const label of labels.sort((a, b) => a.y - b.y)) {
    const spot = spotFor(label, context.measureText(label.text).width + 26, placed, stageWidth);
    placed.push(spot);
    drawLabel(context, label, spot);
  }
}

function spotFor({ x, y }, width, placed, stageWidth) {
  const left = Math.min(Math.max(x - 1, 4), Math.max(stageWidth - width - 4, 4));
  const above = y - LABEL_HEIGHT - 4;
  const free = (top) => placed.every((spot) =>
    Math.abs(spot.top - top) >= LABEL_HEIGHT + 2 || spot.left > left + width || left > spot.left + spot.width);
  const rows = [0, 1, -1, 2, -2, 3].map((row) => above - row * (LABEL_HEIGHT + 2)).filter((top) => top >= 4);
  return { left, width, top: rows.find(free) ?? Math.max(above, 4) };
}

function drawLabel(context, { text, colour }, { left, top, width }) {
  context.fillStyle = "rgb(10 11 14 / 82%)";
  context.beginPath();
  context.roundRect(left, top, width, LABEL_HEIGHT, 6);
  context.fill();
  context.fillStyle = colour;
  context.fillRect(left + 8, top + 8, 8, 8);
  context.fillStyle = "#ffffff";
  context.fillText(text, left + 21, top + LABEL_HEIGHT / 2 + 0.5);
}
