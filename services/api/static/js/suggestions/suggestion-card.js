/** One suggestion at a time above the faces: who may be the same person. */

import { announce, byId, make } from "../common/dom.js";
import { faceName, faceNameWithin } from "../common/face-name.js";
import { clock, preciseSpan, t } from "../common/i18n.js";
import { dismiss, dismissedOf } from "./dismissed.js";
import { suggestions } from "./suggestions.js";

/** Suggestions follow the faces after this pause, in ms, so that they delay no edit. */
const PAUSE_MS = 250;

/** Draws the suggestions of one result at a time. */
export class SuggestionCard {
  #editor;
  #seek;
  #thumb;
  #job = null;
  #timer = null;
  #open = [];

  /**
   * @param {object} editor
   * @param {(seconds: number) => void} seek
   * @param {(face: object) => HTMLElement} thumb
   */
  constructor(editor, seek, thumb) {
    this.#editor = editor;
    this.#seek = seek;
    this.#thumb = thumb;
    editor.addEventListener("faces", () => this.update());
  }

  /** @param {string | null} job id; null hides the card */
  open(job) {
    this.#job = job;
    this.#open = [];
    this.draw();
    this.update();
  }

  /** Find the suggestions of the present faces, soon. */
  update() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#job || !this.#editor.active) return;
      const isDismissed = dismissedOf(this.#job);
      this.#open = suggestions(this.#editor.faces, this.#editor.separated).filter((found) => !isDismissed(found));
      this.draw();
    }, PAUSE_MS);
  }

  draw() {
    const card = byId("suggestion");
    const [found] = this.#open;
    const [face, into] = [found?.face_id, found?.into].map((id) => this.#editor.active && this.#editor.faces.find((one) => one.face_id === id));
    const hadFocus = card.contains(document.activeElement);
    card.hidden = !face || !into;
    card.replaceChildren(...(card.hidden ? [] : this.#content(found, face, into)));
    if (!hadFocus) return;
    if (card.hidden) byId("edit-face").focus();
    else card.querySelector("button").focus();
  }

  #content(found, face, into) {
    const button = (kind, label, onclick) => make("button", { class: `button small ${kind}`, type: "button", onclick }, label);
    const reason = t(`edits.because.${found.kind}`, { into: faceName(into), gap: preciseSpan(found.gap), at: clock(found.at) });
    return [
      make("div", { class: "suggestion-faces", "aria-hidden": "true" }, this.#thumb(into), this.#thumb(face)),
      make("div", {},
        make("p", {}, t("edits.suggestion", { face: faceName(face), into: faceNameWithin(into) })),
        make("p", { class: "fine" }, reason, this.#open.length > 1 ? ` ${t("edits.more_suggestions", { count: this.#open.length - 1 })}` : "")),
      make("div", { class: "suggestion-actions" },
        button("primary", t("edits.join_suggested"), () => this.#editor.join(found.face_id, found.into)),
        button("", t("edits.dismiss"), () => this.#dismiss(found)),
        button("", t("edits.look"), () => this.#seek(found.at))),
    ];
  }

  #dismiss(found) {
    dismiss(this.#job, found);
    this.#open = this.#open.filter((other) => other !== found);
    this.draw();
    announce(t("edits.dismissed"));
  }
}
