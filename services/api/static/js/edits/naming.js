/** Naming a face in place: its title becomes a field. */

import { faceNameWithin } from "../common/face-name.js";
import { make } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { MAX_NAME } from "./editing.js";

/**
 * Turn the title of a face into a field. Enter, or leaving the field, takes the name; Escape leaves it as it was.
 * @param {HTMLElement} title is replaced by the field until then
 * @param {object} face
 * @param {(name: string) => void} onName
 */
export function startNaming(title, face, onName) {
  const field = make("input", {
    class: "name-field", type: "text", maxlength: MAX_NAME, value: face.name ?? "", autocomplete: "off", spellcheck: "false",
    enterkeyhint: "done", placeholder: t("faces.name", { id: face.face_id }), "aria-label": t("edits.name_of", { face: faceNameWithin(face) }),
  });
  let open = true;
  const end = (taken, focus) => {
    if (!open) return;
    open = false;
    const name = field.value;
    if (field.isConnected) field.replaceWith(title);
    if (focus) title.focus();
    if (taken) onName(name);
  };
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    end(event.key === "Enter", true);
  });
  field.addEventListener("blur", () => end(field.isConnected, false));
  title.replaceWith(field);
  field.focus();
  field.select();
}
