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

/** Digits count the faces from the top; the other keys are those of most players. */
function actionOf(event, { player, timeline, stepWindow, toggleFace }) {
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
      return /^[1-9]$/.test(event.key) ? () => toggleFace(Number(event.key) - 1) : null;
  }
}

/** Elements that handle all keys themselves. */
const OWN_KEYS = "input:not([type=checkbox], [type=file]), select, textarea, [contenteditable]";

/**
 * Handle keys, except while typing, in a dialog, or where a control uses the key itself.
 * @param {() => boolean} active whether a result is shown
 * @param {{ player: object, timeline: object, stepWindow: (direction: 1 | -1) => void, toggleFace: (row: number) => void }} parts
 */
export function startKeyboard(active, parts) {
  document.addEventListener("keydown", (event) => {
    if (!active() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest(OWN_KEYS)) return;
    if (event.key === " " && event.target.closest("button, a, summary, label, input")) return;
    const action = actionOf(event, parts);
    if (!action) return;
    event.preventDefault();
    action();
  });
}
