/** A dialog that joins a face to another one: for the keyboard, screen readers and phones. */

import { byId, make } from "../common/dom.js";
import { faceName, faceNameWithin } from "../common/face-name.js";
import { t } from "../common/i18n.js";

/** A face to join to; one that cannot be chosen says why. */
function choice(other, reason, thumb) {
  const why = reason && `join-reason-${other.face_id}`;
  return make("li", {},
    make("label", { class: `join-choice${reason ? " refused" : ""}` },
      make("input", { type: "radio", name: "into", value: other.face_id, required: true, disabled: Boolean(reason), "aria-describedby": why }),
      thumb(other),
      make("span", {}, faceName(other), reason ? make("span", { class: "fine", id: why }, reason) : null)));
}

/**
 * Ask which face the selected one is to be joined to.
 * @param {object} editor
 * @param {(face: object) => HTMLElement} thumb
 */
export function askWhomToJoin(editor, thumb) {
  const { face } = editor;
  const others = editor.faces.filter((other) => other !== face);
  if (!face || !others.length) return;
  const reasons = others.map((other) => editor.refusalOfJoin(face.face_id, other.face_id));
  const dialog = make("dialog", { id: "join", "aria-labelledby": "join-title" },
    make("h2", { id: "join-title" }, t("edits.join_title", { face: faceNameWithin(face) })),
    make("p", {}, t("edits.join_note")),
    make("form", { method: "dialog", class: "join-form" },
      make("ul", { class: "join-list" }, ...others.map((other, i) => choice(other, reasons[i], thumb))),
      make("div", { class: "dialog-actions" },
        make("button", { class: "button primary", value: "join", disabled: reasons.every(Boolean) }, t("edits.join_now")),
        make("button", { class: "button", value: "", formnovalidate: true }, t("close")))));
  dialog.addEventListener("close", () => {
    const into = Number(new FormData(dialog.querySelector("form")).get("into"));
    dialog.remove();
    if (dialog.returnValue === "join" && into) editor.join(face.face_id, into);
    byId("edit-join").focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
