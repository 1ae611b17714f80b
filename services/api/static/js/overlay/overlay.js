/** Boxes, ids and emotions over the picture. */

import { bodyFont, cssColour, fitCanvas } from "../common/dom.js";
import { faceName } from "../common/face-name.js";
import { windowText } from "../common/window-text.js";
import { boxAt, windowAt } from "../timeline/timebase.js";
import { contain } from "./contain.js";
import { layoutTags } from "./tag-layout.js";

const LINE = 5; // width of a box's outline, in CSS pixels
/** Colour of a face without a window, or with an uncertain one. */
const UNKNOWN = "#d7dae0";

const FULL_HEIGHT = 24;
const SMALL_HEIGHT = 20;

/** On pictures narrower than this, in CSS pixels, a tag gives a short name, or the number of its face alone instead of "Face 1". */
const NARROW = 520;

/** Where full tags would cover more than this share of the picture, all are small. */
const MAX_COVERED = 0.1;

/**
 * Draw boxes and tags of one moment.
 * @param {HTMLCanvasElement} canvas lies over the picture
 * @param {{ result: object, spans: Map<number, object[]>, hidden: Set<number> }} view spans and hidden faces by face id
 * @param {number} time seconds
 */
export function drawOverlay(canvas, view, time) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = fitCanvas(canvas, width, height);
  const picture = contain(view.result.video, { width, height });
  const faces = [];
  for (const face of view.result.faces) {
    const box = view.hidden.has(face.face_id) || face.excluded ? null : boxAt(face, time);
    if (box) faces.push(faceView(face, box, windowAt(view.spans.get(face.face_id), time), picture, width < NARROW));
  }
  for (const face of faces) drawBox(context, face);
  drawTags(context, faces, { width, height }, picture.scale ** 2 * view.result.video.width * view.result.video.height);
}

/** Characters of a name on a small tag. */
const SHORT = 10;

/** A name, cut where it is too long for a small tag; a face without one has its number. */
function shortName({ face_id: id, name }) {
  if (!name) return String(id);
  const characters = [...name];
  return characters.length > SHORT ? `${characters.slice(0, SHORT - 1).join("")}…` : name;
}

/** What is drawn of one face: its box in CSS pixels, and the text of its tag. */
function faceView(face, [x, y, width, height], window, { scale, left, top }, narrow) {
  const short = shortName(face);
  const name = narrow ? short : faceName(face);
  return {
    short,
    text: window ? `${name} · ${windowText(window)}` : name,
    colour: window && !window.uncertain ? cssColour(window.emotion) : UNKNOWN,
    uncertain: window?.uncertain,
    box: { left: left + x * scale, top: top + y * scale, width: width * scale, height: height * scale },
  };
}

function drawBox(context, { box, colour, uncertain }) {
  context.lineJoin = "round";
  context.setLineDash(uncertain ? [7, 5] : []);
  for (const [line, style] of [[LINE, "rgb(0 0 0 / 55%)"], [LINE / 2, colour]]) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.strokeRect(box.left, box.top, box.width, box.height);
  }
  context.setLineDash([]);
}

const grown = ({ left, top, width, height }, by) =>
  ({ left: left - by, top: top - by, width: width + 2 * by, height: height + 2 * by });

function drawTags(context, faces, area, pictureArea) {
  context.font = `600 13px ${bodyFont()}`;
  context.textBaseline = "middle";
  const sizes = faces.map(({ short, text }) => ({
    full: { width: Math.ceil(widthOf(context, text)) + 28, height: FULL_HEIGHT },
    small: { width: Math.ceil(widthOf(context, short)) + 23, height: SMALL_HEIGHT },
  }));
  const covered = sizes.reduce((sum, { full }) => sum + full.width * full.height, 0);
  const wanted = covered > MAX_COVERED * pictureArea && faces.length > 1 ? sizes.map(({ small }) => ({ full: small, small })) : sizes;
  const tags = layoutTags(faces.map(({ box }) => grown(box, LINE / 2)), wanted, area);
  tags.forEach((tag, i) => {
    if (tag) drawTag(context, faces[i], tag, tag.height === SMALL_HEIGHT);
  });
}

/** A full tag has the name and what the face shows; a small one a short name or the number, in the colour of what it shows. */
function drawTag(context, { short, text, colour }, { left, top, width, height }, small) {
  const margin = small ? 6 : 8;
  context.fillStyle = "rgb(10 11 14 / 82%)";
  context.beginPath();
  context.roundRect(left, top, width, height, 5);
  context.fill();
  context.fillStyle = colour;
  context.fillRect(left + margin, top + height / 2 - 4, 8, 8);
  context.fillStyle = "#ffffff";
  context.fillText(small ? short : text, left + margin + 12, top + height / 2 + 0.5);
}

const widths = new Map(); // by font and text: the same few texts come sixty times a second

function widthOf(context, text) {
  const key = `${context.font} ${text}`;
  if (!widths.has(key)) {
    if (widths.size > 5000) widths.clear();
    widths.set(key, context.measureText(text).width);
  }
  return widths.get(key);
}
