/** Boxes, ids and emotions over the picture. */

import { cssColour, fitCanvas } from "./dom.js";
import { emotionName, percent, t } from "./i18n.js";
import { boxAt, windowAt } from "./timebase.js";

const LABEL_HEIGHT = 24;

/** Where the picture of `video` lies inside a stage of width x height, as object-fit: contain places it. */
export function pictureIn(video, width, height) {
  const scale = Math.min(width / video.width, height / video.height);
  return { scale, left: (width - video.width * scale) / 2, top: (height - video.height * scale) / 2 };
}

export function drawOverlay(canvas, view, time) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = fitCanvas(canvas, width, height);
  const picture = pictureIn(view.result.video, width, height);
  for (const face of view.result.faces) {
    const box = view.hidden.has(face.face_id) ? null : boxAt(face, time);
    if (box) drawFace(context, picture, box, face, windowAt(view.spans.get(face.face_id), time), width);
  }
}

function drawFace(context, { scale, left, top }, box, face, window, stageWidth) {
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
  drawLabel(context, labelOf(face, window), colour, x, y, stageWidth);
}

function labelOf(face, window) {
  const name = t("faces.name", { id: face.face_id });
  return window ? `${name} · ${emotionName(window.emotion)} ${percent(window.confidence)}` : name;
}

function drawLabel(context, text, colour, x, y, stageWidth) {
  context.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
  const width = context.measureText(text).width + 26;
  const left = Math.min(Math.max(x - 1, 4), Math.max(stageWidth - width - 4, 4));
  const top = y - LABEL_HEIGHT - 4 < 4 ? y + 5 : y - LABEL_HEIGHT - 4;
  context.fillStyle = "rgb(10 11 14 / 82%)";
  context.beginPath();
  context.roundRect(left, top, width, LABEL_HEIGHT, 6);
  context.fill();
  context.fillStyle = colour;
  context.fillRect(left + 8, top + 8, 8, 8);
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.fillText(text, left + 21, top + LABEL_HEIGHT / 2 + 0.5);
}
