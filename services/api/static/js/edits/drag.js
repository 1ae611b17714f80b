/** Dragging one face on another to join them, by mouse or pen; a finger scrolls, and has the dialog instead. */

import { make } from "../common/dom.js";
import { faceNameWithin } from "../common/face-name.js";
import { t } from "../common/i18n.js";

/** The pointer moves this far before a press becomes a drag, in CSS pixels. */
const START = 6;

/** The face that a drag is over: a card, the head of a lane, or the lane. */
function faceUnder(event, timeline) {
  const element = document.elementFromPoint(event.clientX, event.clientY);
  const holder = element?.closest("[data-face]");
  if (holder) return Number(holder.dataset.face);
  return element && timeline.lanes.contains(element) ? timeline.faceAt(event)?.face_id : undefined;
}

/** A drag from one face, with a label at the pointer that says what dropping here does. */
class Drag {
  #label = make("p", { class: "drag-label", "aria-hidden": "true" });
  #over = undefined;

  constructor(editor, face, timeline) {
    Object.assign(this, { editor, face, timeline });
    document.body.append(this.#label);
    document.body.classList.add("dragging");
  }

  move(event) {
    this.#label.style.transform = `translate(${event.clientX + 14}px, ${event.clientY + 14}px)`;
    const over = faceUnder(event, this.timeline);
    if (over === this.#over && this.#label.textContent) return;
    this.#mark(over);
    const other = this.editor.faces.find((face) => face.face_id === over && face !== this.face);
    const refusal = other && this.editor.refusalOfJoin(this.face.face_id, over);
    this.#label.textContent = this.#text(other, refusal);
    this.#label.classList.toggle("refused", Boolean(refusal));
  }

  #text(other, refusal) {
    if (!other) return t("edits.drag", { face: faceNameWithin(this.face) });
    return refusal ?? t("edits.drag_join", { face: faceNameWithin(this.face), into: faceNameWithin(other) });
  }

  #mark(over) {
    this.#over = over;
    for (const holder of document.querySelectorAll("[data-face]")) {
      holder.classList.toggle("drop-target", Number(holder.dataset.face) === over && over !== this.face.face_id);
    }
  }

  /** @param {boolean} dropped whether the faces are joined */
  end(dropped) {
    const over = this.#over;
    this.#mark(undefined);
    this.#label.remove();
    document.body.classList.remove("dragging");
    if (dropped && over !== undefined) this.editor.join(this.face.face_id, over);
  }
}

/**
 * Let the faces of a list be dragged.
 * @param {HTMLElement} list whose children have data-face
 * @param {object} editor
 * @param {object} timeline
 */
export function startDragging(list, editor, timeline) {
  list.addEventListener("pointerdown", (event) => {
    const holder = event.target.closest("[data-face]");
    if (!editor.active || event.button !== 0 || event.pointerType === "touch" || !holder || event.target.closest("button, input, label")) return;
    const face = editor.faces.find(({ face_id: id }) => id === Number(holder.dataset.face));
    if (face) follow(event, face, editor, timeline);
  });
}

/** Follow the pointer until it is released, or Escape is pressed. */
function follow(start, face, editor, timeline) {
  const listening = new AbortController();
  const { signal } = listening;
  let drag = null;
  const end = (dropped) => {
    listening.abort();
    drag?.end(dropped);
  };
  const move = (event) => {
    if (!drag && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < START) return;
    drag ??= new Drag(editor, face, timeline);
    drag.move(event);
  };
  addEventListener("pointermove", move, { signal });
  addEventListener("pointerup", () => end(true), { signal });
  addEventListener("pointercancel", () => end(false), { signal });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    end(false);
  }, { signal, capture: true });
  start.preventDefault(); // no text is selected meanwhile
}
