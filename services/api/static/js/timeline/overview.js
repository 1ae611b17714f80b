/**
 * The whole video in one strip above the lanes, with the part that they show. The part is dragged, or moved by keys like a
 * scrollbar; dragging elsewhere shows another part.
 */

import { byId, cssColour, fitCanvas } from "../common/dom.js";
import { clock, t } from "../common/i18n.js";
import { columnLength, Columns, joined } from "./columns.js";

const HEIGHT = 30;
const SHORTEST_S = 60; // a shorter video has an overview only where a part of it is in view
const DRAG = 5; // pixels that the pointer moves before a press becomes a drag
const STEP = 0.1; // of the part in view, by one key
const BAND_SPANS_S = 1; // shortest band in seconds

/** Draws the strip, and tells which part a person wants to see. */
export class Overview {
  #strip = byId("overview");
  #part = byId("overview-part");
  #playhead = byId("overview-playhead");
  #view = null;
  #duration = 1;
  #shown = { start: 0, end: 1 }; // seconds
  #known = new WeakMap(); // columns by the spans that they are of
  #onPart;

  /** @param {(start: number, end: number) => void} onPart called with a part in seconds */
  constructor(onPart) {
    this.#onPart = onPart;
    this.#strip.addEventListener("pointerdown", (event) => this.#press(event));
    this.#strip.addEventListener("keydown", (event) => this.#handleKey(event));
  }

  get #width() { return Math.max(this.#strip.clientWidth, 1); }

  /** Draw the whole of a result. */
  draw(view, duration) {
    this.#view = view;
    this.#duration = duration || 1;
    this.#strip.setAttribute("aria-valuemax", duration.toFixed(2));
    if (this.#strip.hidden) return;
    const context = fitCanvas(byId("overview-canvas"), this.#width, HEIGHT);
    const faces = view.result.faces.filter((face) => !face.excluded);
    const length = columnLength(BAND_SPANS_S / 5, this.#width / this.#duration, true);
    const columns = faces.map((face) => this.#columnsOf(view.spans.get(face.face_id), length));
    const scale = this.#width / this.#duration;
    joined(columns, view.result.model.labels).forEach((parts, i) => this.#drawBand(context, parts, i, length * scale));
  }

  #columnsOf(spans, length) {
    const known = this.#known.get(spans);
    if (known?.length === length) return known;
    const columns = new Columns(spans, this.#view.result.model.labels, length);
    this.#known.set(spans, columns);
    return columns;
  }

  /** The emotions of all faces in one band. */
  #drawBand(context, parts, index, width) {
    let top = HEIGHT;
    const left = Math.round(index * width);
    const wide = Math.max(Math.round((index + 1) * width) - left - 1, 1);
    for (const { emotion, uncertain, height } of parts) {
      context.globalAlpha = uncertain ? 0.4 : 1;
      context.fillStyle = cssColour(emotion);
      context.fillRect(left, (top -= height * HEIGHT), wide, height * HEIGHT);
    }
    context.globalAlpha = 1;
  }

  /** Mark the part in view, in seconds. */
  place(start, end) {
    const duration = this.#duration;
    const hidden = end - start > duration * 0.999 && duration < SHORTEST_S;
    this.#shown = { start, end: Math.min(end, duration) };
    this.#part.style.transform = `translateX(${(start / duration) * this.#width}px)`;
    this.#part.style.width = `${((this.#shown.end - start) / duration) * 100}%`;
    this.#strip.setAttribute("aria-valuenow", start.toFixed(2));
    this.#strip.setAttribute("aria-valuetext", t("timeline.part", { start: clock(start, 0), end: clock(this.#shown.end, 0), whole: clock(duration, 0) }));
    if (hidden === this.#strip.hidden) return;
    this.#strip.hidden = hidden;
    if (!hidden && this.#view) this.draw(this.#view, duration);
  }

  /** Move the line of the play position. */
  movePlayhead(time) {
    if (!this.#strip.hidden) this.#playhead.style.transform = `translateX(${(time / this.#duration) * this.#width}px)`;
  }

  #timeOf(event) {
    const share = (event.clientX - this.#strip.getBoundingClientRect().left) / this.#width;
    return Math.min(Math.max(share, 0), 1) * this.#duration;
  }

  /** Show a part of the present length from a time on. */
  #moveTo(start) {
    const length = this.#shown.end - this.#shown.start;
    const from = Math.min(Math.max(start, 0), this.#duration - length);
    this.#onPart(from, from + length);
  }

  #press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.#strip.focus({ preventScroll: true });
    this.#strip.setPointerCapture(event.pointerId);
    const began = this.#timeOf(event);
    const { start, end } = this.#shown;
    const whole = end - start > this.#duration * 0.999;
    const inside = !whole && began >= start && began <= end;
    const listening = new AbortController();
    let dragged = false;
    this.#strip.addEventListener("pointermove", (move) => {
      dragged ||= Math.abs(move.clientX - event.clientX) > DRAG;
      if (!dragged) return;
      if (inside) this.#moveTo(start + this.#timeOf(move) - began);
      else this.#onPart(...[began, this.#timeOf(move)].sort((one, other) => one - other));
    }, { signal: listening.signal });
    const finish = () => {
      listening.abort();
      if (!dragged && !whole && !inside) this.#moveTo(began - (end - start) / 2);
    };
    this.#strip.addEventListener("pointerup", finish, { signal: listening.signal });
    this.#strip.addEventListener("pointercancel", () => listening.abort(), { signal: listening.signal });
  }

  #handleKey(event) {
    const { start, end } = this.#shown;
    const length = end - start;
    const to = {
      ArrowLeft: start - STEP * length,
      ArrowRight: start + STEP * length,
      PageUp: start - length,
      PageDown: start + length,
      Home: 0,
      End: this.#duration - length,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the same keys move the play position elsewhere
    this.#moveTo(to);
  }
}
