/** A dialog that takes the resting face of a face from another recording of the same person. */

import { getBaseline } from "../api/client.js";
import { byId, make } from "../common/dom.js";
import { faceNameWithin } from "../common/face-name.js";
import { errorTitle, remedy, t } from "../common/i18n.js";
import { all } from "../jobs/jobs.js";

/** Videos with a result, besides the shown one. */
const recordings = (shown) => all().filter((entry) => entry.id && entry.id !== shown && entry.state === "succeeded");

const choice = ({ id, name }) =>
  make("li", {}, make("label", { class: "join-choice" }, make("input", { type: "radio", name: "recording", value: id, required: true }), make("span", {}, name)));

/**
 * Ask which recording shows the person of the selected face at rest, and take the resting face from it.
 * @param {object} editor
 * @param {string} shown id of the job whose result is shown
 * @param {() => void} done called when the resting face has been taken
 */
export function askForResting(editor, shown, done) {
  const { face } = editor;
  const found = recordings(shown);
  const problem = make("p", { class: "notice", role: "alert", hidden: true });
  const dialog = make("dialog", { id: "resting", "aria-labelledby": "resting-title" },
    make("h2", { id: "resting-title" }, t("edits.resting_title", { face: faceNameWithin(face) })),
    make("p", {}, t("edits.baseline_hint")),
    make("p", {}, t(found.length ? "edits.resting_note" : "edits.resting_none")),
    make("form", { method: "dialog", class: "join-form" },
      make("ul", { class: "join-list" }, ...found.map(choice)),
      problem,
      make("div", { class: "dialog-actions" },
        make("button", { class: "button primary", value: "take", disabled: !found.length }, t("edits.resting_take")),
        make("button", { class: "button", value: "", formnovalidate: true }, t("close")))));
  dialog.querySelector("form").addEventListener("submit", (event) => {
    if (event.submitter?.value !== "take") return;
    event.preventDefault();
    const id = new FormData(event.target).get("recording");
    take(editor, face.face_id, found.find((entry) => entry.id === id)).then((taken) => {
      dialog.close();
      if (taken) done();
    }, (error) => {
      problem.textContent = [errorTitle(error), remedy(error.code) ?? ""].join(". ").trim();
      problem.hidden = false;
    });
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    byId("edit-baseline").focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** The name that the person gave the file is kept with the edit. */
const take = async (editor, faceId, { id, name }) => editor.restFrom(faceId, { ...(await getBaseline(id)), name });
