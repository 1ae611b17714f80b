/**
 * A lane for each face: coloured by emotion, as high as the confidence, hatched where uncertain, empty in gaps. Where windows
 * are too narrow to be seen one by one, columns show the shares of their time instead.
 */

import { byId, cssColour, fitCanvas } from "./dom.js";
import { finding } from "./finding.js";
import { clock, t } from "./i18n.js";
import { hatch, hatchAll } from "./legend.js";
import { lastBefore, windowAt } from "./timebase.js";
import { columnLength, columnsOf } from "./timeline-columns.js";
import { hideTooltip, showColumn, showTooltip } from "./tooltip.js";

const AXIS = 28;
const LANE = 64;
const PAD = 10;
const MAX_PIXELS_PER_SECOND = 400;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const TICK_PIXELS = 72;
const SPOKEN_MS = 250; // while playing, screen readers get the position no more often than this

export class Timeline {
  #view = null;
  #zoom = 1;
  #column = null; // seconds that a column stands for; null where every window is drawn
  #spokenAt = 0;
  #player;

  constructor(player) {
    this.#player = player;
    this.scroll = byId("lane-scroll");
    this.lanes = byId("lane-view");
    this.canvas = byId("lane-canvas");
    this.scroll.addEventListener("scroll", () => this.draw());
    this.lanes.addEventListener("pointerdown", (event) => this.#drag(event));
    this.lanes.addEventListener("pointermove", (event) => this.#point(event));
    this.lanes.addEventListener("pointerleave", (event) => event.pointerType === "touch" || hideTooltip());
    document.addEventListener("pointerdown", (event) => this.lanes.contains(event.target) || hideTooltip());
    byId("zoom-in").addEventListener("click", () => this.zoomBy(2));
    byId("zoom-out").addEventListener("click", () => this.zoomBy(0.5));
    byId("zoom-fit").addEventListener("click", () => this.fit());
    new ResizeObserver(() => this.#view && this.#layout()).observe(this.scroll);
  }

  show(view) {
    this.#view = view;
    this.fit();
  }

  fit() {
    this.#zoom = 1;
    this.#layout();
  }

  zoomBy(factor) {
    const most = Math.max(1, (this.#player.duration * MAX_PIXELS_PER_SECOND) / this.#width);
    this.#zoom = Math.min(Math.max(this.#zoom * factor, 1), most);
    this.#layout();
    this.scroll.scrollLeft = this.#player.time * this.#scale - this.#width / 2;
    this.draw();
  }

  get #width() { return Math.max(this.scroll.clientWidth, 1); }
  get #scale() { return (this.#width * this.#zoom) / (this.#player.duration || 1); }
  get #left() { return this.scroll.scrollLeft / this.#scale; }
  get #height() { return AXIS + Math.max(this.#view.result.faces.length, 1) * LANE; }

  #layout() {
    byId("lane-spacer").style.width = `${this.#width * this.#zoom}px`;
    this.lanes.style.width = `${this.#width}px`;
    this.lanes.style.height = `${this.#height}px`;
    this.canvas.style.width = `${this.#width}px`;
    this.canvas.style.height = `${this.#height}px`;
    this.lanes.setAttribute("aria-valuemax", this.#player.duration.toFixed(2));
    this.#column = columnLength(this.#view.spans.values(), this.#scale);
    byId("timeline-note").hidden = this.#column === null;
    this.draw();
    this.moveHead();
  }

  draw() {
    if (!this.#view) return;
    const context = fitCanvas(this.canvas, this.#width, this.#height);
    this.#drawAxis(context);
    this.#view.result.faces.forEach((face, row) => this.#drawLane(context, face, AXIS + row * LANE));
    this.moveHead();
  }

  #drawAxis(context) {
    const step = STEPS.find((candidate) => candidate * this.#scale >= TICK_PIXELS) ?? STEPS.at(-1);
    context.font = `500 12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "top";
    const last = Math.min(this.#player.duration, this.#left + this.#width / this.#scale);
    for (let index = Math.floor(this.#left / step); index * step <= last; index += 1) {
      const x = Math.round((index * step - this.#left) * this.#scale) + 0.5;
      context.fillStyle = cssColour("line");
      context.fillRect(x - 0.5, 20, 1, this.#height);
      context.fillStyle = cssColour("ink-soft");
      if (x + 30 < this.#width) context.fillText(clock(index * step, step < 1 ? 1 : 0), x + 5, 4);
    }
  }

  #drawLane(context, face, top) {
    const base = top + LANE - PAD;
    context.globalAlpha = this.#view.hidden.has(face.face_id) ? 0.25 : 1;
    context.fillStyle = cssColour("line-strong");
    const from = (face.start_s - this.#left) * this.#scale;
    context.fillRect(from, base, Math.max((face.end_s - face.start_s) * this.#scale, 1), 1);
    if (this.#column === null) this.#drawSpans(context, this.#view.spans.get(face.face_id), base);
    else this.#drawColumns(context, this.#columns(face), base);
    context.globalAlpha = 1;
  }

  #drawSpans(context, spans, base) {
    const right = this.#left + this.#width / this.#scale;
    for (let i = Math.max(lastBefore(spans, "start", this.#left), 0); i < spans.length && spans[i].start < right; i += 1) {
      this.#drawSpan(context, spans[i], base);
    }
  }

  /** The columns of a face that are in sight; they begin at multiples of their length, so that scrolling leaves them as they are. */
  #columns(face) {
    const length = this.#column;
    const first = Math.floor(this.#left / length);
    const count = Math.ceil(this.#width / this.#scale / length) + 1;
    return columnsOf(this.#view.spans.get(face.face_id), this.#view.result.model.labels, { from: first * length, length, count });
  }

  #drawColumns(context, columns, base) {
    const uncertain = [];
    const place = (time) => Math.round((time - this.#left) * this.#scale);
    for (const { start, end, parts } of columns) {
      const [left, right] = [place(start), place(end)];
      let below = base;
      for (const [emotion, share, unsure] of parts) {
        const height = share * (LANE - 2 * PAD);
        const sides = [left, below - height, right - left, height];
        context.fillStyle = cssColour(emotion);
        context.fillRect(...sides);
        if (unsure) uncertain.push(sides);
        below -= height;
      }
    }
    if (uncertain.length) hatchAll(context, uncertain, { left: 0, top: base - LANE + 2 * PAD, width: this.#width, height: LANE - 2 * PAD });
  }

  #drawSpan(context, { start, end, window }, base) {
    const left = (start - this.#left) * this.#scale;
    const width = Math.max((end - start) * this.#scale - 1, 1);
    if (left > this.#width || left + width < 0) return;
    const height = Math.max(window.confidence * (LANE - 2 * PAD), 3);
    context.fillStyle = cssColour(window.emotion);
    context.fillRect(left, base - height, width, height);
    if (window.uncertain) hatch(context, left, base - height, width, height);
  }

  moveHead() {
    if (!this.#view) return;
    const x = (this.#player.time - this.#left) * this.#scale;
    byId("playhead").style.transform = `translateX(${x}px)`;
    byId("playhead").hidden = x < -1 || x > this.#width + 1;
    const now = performance.now();
    if (this.#player.playing && now - this.#spokenAt < SPOKEN_MS) return;
    this.#spokenAt = now;
    this.lanes.setAttribute("aria-valuenow", this.#player.time.toFixed(2));
    this.lanes.setAttribute("aria-valuetext", this.#spoken());
  }

  #spoken() {
    const time = this.#player.time;
    const said = this.#view.result.faces.flatMap((face) => {
      const window = windowAt(this.#view.spans.get(face.face_id), time);
      return window
        ? [t("timeline.value_face", { id: face.face_id, finding: finding(window) })]
        : [];
    });
    return t("timeline.value", { time: clock(time), faces: said.join(", ") || t("timeline.nobody") });
  }

  /** Keep the playing position in sight. */
  followHead() {
    const x = (this.#player.time - this.#left) * this.#scale;
    if (this.#player.playing && (x < 0 || x > this.#width * 0.95)) {
      this.scroll.scrollLeft = this.#player.time * this.#scale - this.#width * 0.1;
    }
  }

  #timeOf(event) {
    return this.#left + (event.clientX - this.lanes.getBoundingClientRect().left) / this.#scale;
  }

  #drag(event) {
    if (event.button !== 0) return;
    this.lanes.setPointerCapture(event.pointerId);
    this.#player.seek(this.#timeOf(event));
    this.#point(event);
  }

  #point(event) {
    if (event.buttons & 1) this.#player.seek(this.#timeOf(event));
    const row = Math.floor((event.clientY - this.lanes.getBoundingClientRect().top - AXIS) / LANE);
    const face = this.#view.result.faces[row];
    const time = this.#timeOf(event);
    const far = this.#column !== null;
    const column = face && far ? this.#columnAt(face, time) : null;
    const window = face && !far ? windowAt(this.#view.spans.get(face.face_id), time) : null;
    if (column?.parts.length) showColumn(event, face, column);
    else if (window) showTooltip(event, face, window);
    else hideTooltip();
  }

  #columnAt(face, time) {
    const from = Math.floor(time / this.#column) * this.#column;
    return columnsOf(this.#view.spans.get(face.face_id), this.#view.result.model.labels, { from, length: this.#column, count: 1 })[0];
  }
}
