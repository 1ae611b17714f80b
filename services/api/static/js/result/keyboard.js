/** Keyboard control of the result page, and the list of keys. */

import { byId, make } from "../common/dom.js";
import { t } from "../common/i18n.js";

const KEYS = [
  [["Space", "K"], "play"],
  [["←", "→"], "frame"],
  [["⇧ ←", "⇧ →"], "window"],
  [["Home", "End"], "ends"],
  [["+", "−", "0"], "zoom"],
  [["1", "…", "9"], "faces"],
  [["F", "⇧ F"], "select"],
  [["N"], "name"],
  [["J"], "join"],
  [["S"], "split"],
  [["I", "O"], "stretch"],
  [["X"], "exclude"],
  [["R"], "baseline"],
  [["Ctrl Z", "Ctrl ⇧ Z"], "undo"],
  [["?"], "help"],
];

/** Draw the list of keys. */
export function drawKeys() {
  byId("key-list").replaceChildren(
    ...KEYS.flatMap(([keys, name]) => [
      make("dt", {}, ...keys.map((key) => make("kbd", {}, key))),
      make("dd", {}, t(`keys.${name}`)),
    ]),
  );
}

/** Open the list of keys. */
export const showKeys = () => byId("keys").showModal();

/** Letters of the edits; "ı" is the key of I on a Turkish keyboard. */
const EDITS = { n: "name", j: "join", s: "split", i: "from", ı: "from", o: "to", x: "exclude", r: "baseline", f: "next" };

/** What a letter does to the selected face, or null. */
function editOf(event, edits) {
  if (event.key === "Escape") return edits.clear;
  const name = EDITS[event.key.toLowerCase()];
  if (!name) return null;
  return edits[name === "next" && event.shiftKey ? "previous" : name];
}

/** Ctrl or ⌘ with Z undoes, with Shift and Z, or with Y, redoes. */
function historyOf(event, edits) {
  if (event.altKey || !(event.ctrlKey || event.metaKey)) return null;
  const key = event.key.toLowerCase();
  if (key === "z") return event.shiftKey ? edits.redo : edits.undo;
  return key === "y" ? edits.redo : null;
}

/** Digits count the faces from the top; the other keys are those of most players. */
function actionOf(event, { player, timeline, stepWindow, toggleFace, edits }) {
  const way = event.key === "ArrowLeft" ? -1 : 1;
  switch (event.key) {
    case " ":
    case "k":
      return () => player.toggle();
    case "ArrowLeft":
    case "ArrowRight":
      return () => (event.shiftKey ? stepWindow(way) : player.step(way));
    case "Home":
      return () => player.seek(0);
    case "End":
      return () => player.seek(player.duration);
    case "+":
      return () => timeline.zoomBy(2);
    case "-":
      return () => timeline.zoomBy(0.5);
    case "0":
      return () => timeline.fit();
    case "?":
      return showKeys;
    default:
      return /^[1-9]$/.test(event.key) ? () => toggleFace(Number(event.key) - 1) : editOf(event, edits);
  }
}

/** Elements that undo and redo themselves, and those that handle all other keys. */
const OWN_HISTORY = "input:not([type=checkbox], [type=radio], [type=file]), textarea, [contenteditable]";
const OWN_KEYS = `${OWN_HISTORY}, select`;

/**
 * Handle keys, except while typing, in a dialog, or where a control uses the key itself.
 * @param {() => boolean} active whether a result is shown
 * @param {{ player: object, timeline: object, stepWindow: (direction: 1 | -1) => void, toggleFace: (row: number) => void,
 *   edits: Record<string, () => void> }} parts
 */
export function startKeyboard(active, parts) {
  document.addEventListener("keydown", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (!active() || document.querySelector("dialog[open]") || event.target.closest(modified ? OWN_HISTORY : OWN_KEYS)) return;
    if (event.key === " " && event.target.closest("button, a, summary, label, input")) return;
    const action = modified ? historyOf(event, parts.edits) : actionOf(event, parts);
    if (!action) return;
    event.preventDefault();
    action();
  });
}
