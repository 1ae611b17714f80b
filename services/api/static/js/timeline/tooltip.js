/** The tooltip of the timeline: probabilities of a window, or shares of a column. */

import { byId, make } from "../common/dom.js";
import { faceName } from "../common/face-name.js";
import { clock, emotionName, percent, t } from "../common/i18n.js";
import { isTalking } from "./timebase.js";

function meter(emotion, probability, best) {
  const fill = make("i", { class: emotion });
  fill.style.width = `${probability * 100}%`;
  return make(
    "div",
    { class: `meter${best ? " best" : ""}` },
    make("span", {}, emotionName(emotion)),
    make("span", { class: "track" }, fill),
    make("span", { class: "figure" }, percent(probability, 1)),
  );
}

/**
 * @param {object} window of a result
 * @returns {HTMLElement[]} a bar for each probability, largest first
 */
export function meters(window) {
  const sorted = Object.entries(window.probabilities).sort((a, b) => b[1] - a[1]);
  return sorted.map(([emotion, probability]) => meter(emotion, probability, emotion === window.emotion));
}

/**
 * @param {{ flags: string[] }} window
 * @returns {string} its flags in the chosen language
 */
export const flagNames = (window) => window.flags.map((flag) => t(`flags.${flag}`)).join(", ");

/**
 * Show the probabilities of a window.
 * @param {PointerEvent} event
 * @param {object} face
 * @param {object} window
 */
export function showTooltip(event, face, window) {
  const notes = [window.uncertain ? t("faces.uncertain") : "", isTalking(window) ? t("timeline.talking") : "", flagNames(window)].filter(Boolean).join(" · ");
  show(event, face, [window.start_s, window.end_s], meters(window), notes);
}

/**
 * Show the shares of a column of many windows.
 * @param {PointerEvent} event
 * @param {object} face
 * @param {{ start: number, end: number, parts: [string, number, boolean][] }} column seconds; emotion, share and whether uncertain
 */
export function showColumn(event, face, { start, end, parts }) {
  const sure = parts.filter(([, , uncertain]) => !uncertain).sort((a, b) => b[1] - a[1]);
  const uncertainTime = parts.reduce((sum, [, share, uncertain]) => sum + (uncertain ? share : 0), 0);
  const rows = sure.map(([emotion, share], i) => meter(emotion, share, i === 0));
  const notes = uncertainTime > 0 ? `${t("faces.uncertain")} ${percent(uncertainTime, 1)}` : "";
  show(event, face, [start, end], [make("div", { class: "soft" }, t("timeline.shares")), ...rows], notes);
}

function show(event, face, [start, end], rows, notes) {
  const tooltip = byId("tooltip");
  tooltip.replaceChildren(
    make("div", { class: "head" }, faceName(face), make("span", {}, `${clock(start)} – ${clock(end)}`)),
    ...rows,
    ...(notes ? [make("div", { class: "flags" }, notes)] : []),
  );
  tooltip.hidden = false;
  position(tooltip, event);
}

/** Hide the tooltip. */
export function hideTooltip() {
  byId("tooltip").hidden = true;
}

/** Beside the pointer, above it, and inside the page. */
function position(tooltip, event) {
  const frame = tooltip.offsetParent.getBoundingClientRect();
  const left = Math.min(event.clientX - frame.left + 16, frame.width - tooltip.offsetWidth - 8);
  const top = event.clientY - frame.top - tooltip.offsetHeight - 14;
  tooltip.style.transform = `translate(${Math.max(left, 8)}px, ${Math.max(top, 8 - frame.top)}px)`;
}
