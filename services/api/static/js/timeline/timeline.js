/**
 * A lane for each face: coloured by emotion, as high as the confidence, hatched where uncertain, empty in gaps. Where windows
 * are too narrow to be seen one by one, columns show the shares of their time instead.
 */

import { byId, cssColour, fitCanvas } from "../common/dom.js";
import { faceNameWithin } from "../common/face-name.js";
import { clock, t } from "../common/i18n.js";
import { windowText } from "../common/window-text.js";
import { columnLength, Columns, meanLength } from "./columns.js";
import { hatch } from "./legend.js";
import { Overview } from "./overview.js";
import { byTalking, isTalking, lastBefore, windowAt } from "./timebase.js";
import { hideTooltip, showColumn, showTooltip } from "./tooltip.js";

const AXIS = 28;
const LANE = 64;
const PAD = 10;
const TALKING_TOP = 3; // below the line of a lane
const TALKING_HEIGHT = 3;
const BAND_GAP = 1; // between two columns
const MAX_PIXELS_PER_SECOND = 400;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const TICK_PIXELS = 72;
const ARIA_UPDATE_MS = 250; // shortest interval between updates for screen readers while playing

/** The timeline of a result, with zoom, playhead and tooltip. */
export class Timeline {
  #view = null;
  #zoom = 1;
  #column = null; // seconds that a column stands for; null where every window is drawn
  #columns = new WeakMap(); // by the spans that they are of
  #mean = NaN; // seconds of a window
  #frame = null; // the frame that will draw
  #valueTextAt = 0;
  #player;
  #hooks;
  #faces = []; // whose lanes are drawn
  #anchor = null; // { id, start }: the stretch that is being chosen

  /**
   * @param {object} player
   * @param {{ onFace?: (id: number) => void, onStretch?: (id: number, stretch: { start: number, end: number }) => void }} hooks
   *   called when a lane is pressed, and when a stretch of it is chosen with Shift held
   */
  constructor(player, { onFace = () => {}, onStretch = () => {} } = {}) {
    this.#player = player;
    this.#hooks = { onFace, onStretch };
    this.scroll = byId("lane-scroll");
    this.lanes = byId("lane-view");
    this.canvas = byId("lane-canvas");
    this.overview = new Overview((start, end) => this.showPart(start, end));
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
    this.#faces = view.result.faces;
    this.#mean = meanLength(view.spans.values());
    this.fit();
  }

  /** Draw other faces of the same result: only the lanes that differ. */
  update() {
    const before = this.#faces;
    this.#faces = this.#view.result.faces;
    if (before.length !== this.#faces.length) this.#rearrange(before);
    else this.#faces.forEach((face, row) => face !== before[row] && this.drawFace(face.face_id));
    this.overview.draw(this.#view, this.#player.duration);
    this.movePlayhead();
  }

  /** Move the lanes that stay to their new rows, as pictures, and draw the others. */
  #rearrange(before) {
    const drawn = document.createElement("canvas");
    Object.assign(drawn, { width: this.canvas.width, height: this.canvas.height });
    drawn.getContext("2d").drawImage(this.canvas, 0, 0);
    const ratio = drawn.width / this.#width;
    this.#resize();
    const context = fitCanvas(this.canvas, this.#width, this.#height);
    this.#drawAxis(context);
    this.#faces.forEach((face, row) => {
      const top = AXIS + row * LANE;
      const old = before.indexOf(face);
      if (old < 0) this.#drawLane(context, face, top);
      else context.drawImage(drawn, 0, (AXIS + old * LANE) * ratio, drawn.width, LANE * ratio, 0, top, this.#width, LANE);
    });
  }

  fit() {
    this.#zoom = 1;
    this.#layout();
  }

  zoomBy(factor) {
    this.#setZoom(this.#zoom * factor);
    this.scroll.scrollLeft = this.#player.time * this.#scale - this.#width / 2;
    this.draw();
  }

  /** Show a part of the video, in seconds. */
  showPart(start, end) {
    const zoom = this.#player.duration / Math.max(end - start, 0.001);
    if (Math.abs(zoom / this.#zoom - 1) > 0.001) this.#setZoom(zoom);
    this.scroll.scrollLeft = start * this.#scale;
    this.draw();
  }

  #setZoom(zoom) {
    const most = Math.max(1, (this.#player.duration * MAX_PIXELS_PER_SECOND) / this.#width);
    this.#zoom = Math.min(Math.max(zoom, 1), most);
    this.#layout();
  }

  get #width() { return Math.max(this.scroll.clientWidth, 1); }
  get #scale() { return (this.#width * this.#zoom) / (this.#player.duration || 1); }
  get #left() { return this.scroll.scrollLeft / this.#scale; }
  get #height() { return AXIS + Math.max(this.#view.result.faces.length, 1) * LANE; }

  #layout() {
    this.#resize();
    this.draw();
    this.movePlayhead();
  }

  #resize() {
    byId("lane-spacer").style.width = `${this.#width * this.#zoom}px`;
    this.lanes.style.width = `${this.#width}px`;
    this.lanes.style.height = `${this.#height}px`;
    this.canvas.style.width = `${this.#width}px`;
    this.canvas.style.height = `${this.#height}px`;
    this.lanes.setAttribute("aria-valuemax", this.#player.duration.toFixed(2));
    this.#column = columnLength(this.#mean, this.#scale);
    byId("timeline-note").hidden = this.#column === null;
    this.overview.draw(this.#view, this.#player.duration);
    this.overview.place(this.#left, this.#left + this.#width / this.#scale);
  }

  /** Draw with the next picture of the screen, once, however often this is called until then. */
  draw() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      if (this.#view) this.#drawNow();
    });
  }

  #drawNow() {
    this.overview.place(this.#left, this.#left + this.#width / this.#scale);
    const context = fitCanvas(this.canvas, this.#width, this.#height);
    this.#drawAxis(context);
    this.#view.result.faces.forEach((face, row) => this.#drawLane(context, face, AXIS + row * LANE));
    this.movePlayhead();
  }

  /** Draw the lane of one face anew, as where it was switched on or off. */
  drawFace(id) {
    const row = this.#view.result.faces.findIndex((face) => face.face_id === id);
    if (row < 0) return;
    const context = this.canvas.getContext("2d");
    context.save();
    context.beginPath();
    context.rect(0, AXIS + row * LANE, this.#width, LANE);
    context.clip();
    context.clearRect(0, AXIS + row * LANE, this.#width, LANE);
    this.#drawAxis(context);
    this.#drawLane(context, this.#view.result.faces[row], AXIS + row * LANE);
    context.restore();
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
    for (const [start, end] of face.excluded_spans ?? []) this.#drawExcluded(context, start, end, top);
    context.globalAlpha = this.#view.hidden.has(face.face_id) || face.excluded ? 0.25 : 1;
    context.fillStyle = cssColour("line-strong");
    const from = (face.start_s - this.#left) * this.#scale;
    context.fillRect(from, base, Math.max((face.end_s - face.start_s) * this.#scale, 1), 1);
    if (this.#column === null) this.#drawSpans(context, this.#view.spans.get(face.face_id), base);
    else this.#drawColumns(context, this.#columnsOf(face), base);
    this.#drawTalking(context, this.#view.spans.get(face.face_id), base);
    context.globalAlpha = 1;
    if (face.face_id === this.#view.selected && this.#view.stretch) this.#drawStretch(context, this.#view.stretch, top);
  }

  /** The chosen stretch of the selected face. */
  #drawStretch(context, stretch, top) {
    const left = (stretch.start - this.#left) * this.#scale;
    const width = Math.max((stretch.end - stretch.start) * this.#scale, 2);
    const height = LANE - PAD + 4;
    context.fillStyle = cssColour("ink");
    context.globalAlpha = 0.16;
    context.fillRect(left, top, width, height);
    context.globalAlpha = 1;
    for (const x of [left, left + width - 2]) context.fillRect(x, top, 2, height);
  }

  /** A dashed line where a stretch of a face is excluded. */
  #drawExcluded(context, start, end, top) {
    const y = top + LANE / 2;
    context.strokeStyle = cssColour("line-strong");
    context.setLineDash([3, 4]);
    context.beginPath();
    context.moveTo((start - this.#left) * this.#scale, y);
    context.lineTo((end - this.#left) * this.#scale, y);
    context.stroke();
    context.setLineDash([]);
  }

  #drawSpans(context, spans, base) {
    const right = this.#left + this.#width / this.#scale;
    for (let i = Math.max(lastBefore(spans, "start", this.#left), 0); i < spans.length && spans[i].start < right; i += 1) {
      this.#drawSpan(context, spans[i], base);
    }
  }

  /** A line below a lane where the person talks. */
  #drawTalking(context, spans, base) {
    const [left, scale] = [this.#left, this.#scale];
    const right = left + this.#width / scale;
    if (!byTalking(spans).length) return;
    context.fillStyle = cssColour("ink");
    for (let i = Math.max(lastBefore(spans, "start", left), 0); i < spans.length && spans[i].start < right; i += 1) {
      const { start } = spans[i];
      if (!isTalking(spans[i].window)) continue;
      while (i + 1 < spans.length && spans[i + 1].start === spans[i].end && isTalking(spans[i + 1].window)) i += 1;
      context.fillRect((start - left) * scale, base + TALKING_TOP, Math.max((spans[i].end - start) * scale, 1), TALKING_HEIGHT);
    }
  }

  /** The columns of a face at this zoom; they do not depend on what is in sight, so that scrolling leaves them as they are. */
  #columnsOf(face) {
    const spans = this.#view.spans.get(face.face_id);
    const known = this.#columns.get(spans);
    if (known?.length === this.#column) return known;
    const columns = new Columns(spans, this.#view.result.model.labels, this.#column);
    this.#columns.set(spans, columns);
    return columns;
  }

  /** From the base up, what is sure, label by label, then what is uncertain: a change of colour takes longer than a rectangle. */
  #drawColumns(context, columns, base) {
    const { labels } = this.#view.result.model;
    const [left, scale] = [this.#left, this.#scale]; // each reading asks the browser for the layout
    const first = Math.max(Math.floor(left / columns.length), 0);
    const count = Math.min(columns.count, Math.ceil((left + this.#width / scale) / columns.length)) - first;
    if (count <= 0) return;
    const lefts = Array.from({ length: count + 1 }, (_, i) => Math.round(((first + i) * columns.length - left) * scale));
    const tops = new Float32Array(count).fill(base);
    const stack = (uncertain) => labels.forEach((emotion, label) => {
      context.fillStyle = cssColour(emotion);
      for (let i = 0; i < count; i += 1) {
        const height = columns.share(first + i, label, uncertain) * (LANE - 2 * PAD);
        if (height > 0) context.fillRect(lefts[i], (tops[i] -= height), lefts[i + 1] - lefts[i] - BAND_GAP, height);
      }
    });
    stack(false);
    const sure = tops.slice();
    stack(true);
    tops.forEach((top, i) => {
      if (top < sure[i]) hatch(context, lefts[i], top, lefts[i + 1] - lefts[i] - BAND_GAP, sure[i] - top);
    });
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

  movePlayhead() {
    if (!this.#view) return;
    const x = (this.#player.time - this.#left) * this.#scale;
    byId("playhead").style.transform = `translateX(${x}px)`;
    this.overview.movePlayhead(this.#player.time);
    byId("playhead").hidden = x < -1 || x > this.#width + 1;
    const now = performance.now();
    if (this.#player.playing && now - this.#valueTextAt < ARIA_UPDATE_MS) return;
    this.#valueTextAt = now;
    this.lanes.setAttribute("aria-valuenow", this.#player.time.toFixed(2));
    this.lanes.setAttribute("aria-valuetext", this.#valueText());
  }

  #valueText() {
    const time = this.#player.time;
    const said = this.#view.result.faces.flatMap((face) => {
      const window = face.excluded ? null : windowAt(this.#view.spans.get(face.face_id), time);
      return window
        ? [t("timeline.value_face", { name: faceNameWithin(face), finding: windowText(window) })]
        : [];
    });
    return t("timeline.value", { time: clock(time), faces: said.join(", ") || t("timeline.none") });
  }

  /** Keep the playing position in sight. */
  followPlayhead() {
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
    const face = this.faceAt(event);
    this.#anchor = event.shiftKey && face ? { id: face.face_id, start: this.#timeOf(event) } : null;
    if (face && !this.#anchor) this.#hooks.onFace(face.face_id);
    this.#player.seek(this.#timeOf(event));
    this.#point(event);
  }

  /** @returns {object | undefined} the face whose lane is at a pointer */
  faceAt(event) {
    return this.#view.result.faces[Math.floor((event.clientY - this.lanes.getBoundingClientRect().top - AXIS) / LANE)];
  }

  /** While a lane is dragged, with Shift a stretch is chosen; otherwise the play position follows. */
  #follow(event) {
    const time = Math.min(Math.max(this.#timeOf(event), 0), this.#player.duration);
    if (this.#anchor && Math.abs(time - this.#anchor.start) * this.#scale > 3) {
      this.#hooks.onStretch(this.#anchor.id, { start: this.#anchor.start, end: time });
    }
    this.#player.seek(time);
  }

  #point(event) {
    if (event.buttons & 1) this.#follow(event);
    const face = this.faceAt(event);
    const time = this.#timeOf(event);
    const far = this.#column !== null;
    const column = face && far ? this.#columnsOf(face).at(time) : null;
    const window = face && !far ? windowAt(this.#view.spans.get(face.face_id), time) : null;
    if (column?.parts.length) showColumn(event, face, column);
    else if (window) showTooltip(event, face, window);
    else hideTooltip();
  }
}
