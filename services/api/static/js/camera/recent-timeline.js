/** The last thirty seconds: a lane for each face, coloured by emotion, as high as the confidence. */

import { cssColour, fitCanvas } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { hatch } from "../timeline/legend.js";

const SPAN_S = 30;
const AXIS = 22;
const LANE = 44;
const PAD = 6;
const STEP_S = 5;
const HEAD = 64;

/** The last thirty seconds of a live session on a canvas. */
export class RecentTimeline {
  #lanes = new Map(); // face id -> [{ time, emotion, confidence, uncertain }]
  #now = 0;

  constructor(canvas) {
    this.canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  clear() {
    this.#lanes.clear();
    this.draw();
  }

  /** Take the faces of one result. */
  add(time, faces) {
    this.#now = time;
    for (const { face_id: id, emotion, confidence, uncertain } of faces) {
      if (!this.#lanes.has(id)) this.#lanes.set(id, []);
      this.#lanes.get(id).push({ time, emotion, confidence, uncertain });
    }
    for (const [id, moments] of this.#lanes) {
      while (moments.length && moments[0].time < time - SPAN_S) moments.shift();
      if (!moments.length) this.#lanes.delete(id);
    }
    this.draw();
  }

  draw() {
    const width = this.canvas.clientWidth;
    const height = AXIS + Math.max(this.#lanes.size, 2) * LANE;
    this.canvas.style.height = `${height}px`;
    const context = fitCanvas(this.canvas, width, height);
    context.font = `500 12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    const scale = (width - HEAD) / SPAN_S;
    const place = (time) => width - (this.#now - time) * scale;
    this.#drawAxis(context, width, height, scale);
    [...this.#lanes].forEach(([id, moments], row) => this.#drawLane(context, id, moments, row, place));
  }

  #drawAxis(context, width, height, scale) {
    context.fillStyle = cssColour("ink-soft");
    context.strokeStyle = cssColour("line");
    context.textAlign = "right";
    for (let back = 0; back <= SPAN_S; back += STEP_S) {
      const x = width - back * scale;
      context.beginPath();
      context.moveTo(x - 0.5, AXIS);
      context.lineTo(x - 0.5, height);
      context.stroke();
      context.fillText(back ? `−${back} s` : t("camera.now"), Math.max(x, 34), AXIS / 2);
    }
  }

  #drawLane(context, id, moments, row, place) {
    const base = AXIS + (row + 1) * LANE - PAD;
    context.textAlign = "left";
    context.fillStyle = cssColour("ink");
    context.fillText(t("faces.name", { id }), 0, base - LANE / 2 + PAD);
    moments.forEach((moment, i) => {
      const next = moments[i + 1];
      const end = next && next.time - moment.time < 0.6 ? next.time : moment.time + 0.1;
      const left = Math.round(Math.max(place(moment.time), HEAD)); // whole pixels, or seams show between moments
      const wide = Math.max(Math.round(place(end)) - left, 1);
      const tall = (LANE - 2 * PAD) * (moment.confidence ?? 0.1);
      context.fillStyle = cssColour(moment.emotion ?? "line-strong");
      context.fillRect(left, base - tall, wide, tall);
      if (moment.uncertain) hatch(context, left, base - tall, wide, tall);
    });
  }
}
