/** A note under the buttons of the edits: why one does not apply, or what another window did. */

import { byId, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

/** Hide the note. */
export function hideNote() {
  byId("edit-note").hidden = true;
  byId("edit-note").replaceChildren();
}

/**
 * Show a note. Edits that another window's change kept from being saved can be repeated from it.
 * @param {object} editor
 * @param {{ text: string, lost?: object[] }} note
 */
export function showNote(editor, { text, lost = [] }) {
  const close = () => {
    hideNote();
    byId("edit-face").focus();
  };
  const repeat = () => {
    hideNote();
    byId("edit-face").focus();
    editor.repeat(lost);
  };
  byId("edit-note").hidden = false;
  byId("edit-note").replaceChildren(
    make("p", {}, text),
    ...(lost.length ? [make("button", { class: "button small primary", type: "button", onclick: repeat }, t("edits.repeat"))] : []),
    make("button", { class: "button small", type: "button", onclick: close }, t(lost.length ? "edits.discard" : "close")),
  );
}
