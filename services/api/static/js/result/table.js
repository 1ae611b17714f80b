/** Every window as a table: for screen readers, for copying, and for those who prefer figures. */

import { make } from "../common/dom.js";
import { clock, decimal, emotionName, percent, t } from "../common/i18n.js";
import { windowEmotionText } from "../common/window-text.js";
import { flagNames } from "../timeline/tooltip.js";

/** Rows added at a time: an hour of twenty faces has more than a hundred thousand, too many for a browser to lay out. */
const PAGE = 200;

function row([face, window], labels, hasSpeaking) {
  const figures = labels.map((label) => make("td", {}, percent(window.probabilities[label] ?? 0, 1)));
  return make(
    "tr",
    {},
    make("td", {}, face.name ?? String(face.face_id)),
    make("td", {}, clock(window.start_s)),
    make("td", {}, clock(window.end_s)),
    make("td", { class: "text" }, windowEmotionText(window)),
    make("td", {}, percent(window.confidence, 1)),
    ...figures,
    ...(hasSpeaking ? [make("td", {}, (window.speaking ?? null) === null ? "–" : percent(window.speaking))] : []),
    make("td", { class: "text flags" }, flagNames(window)),
  );
}

/** Up to PAGE windows from number `first` on, each with its face. */
function pageOf(faces, first) {
  const found = [];
  let passed = 0;
  for (const face of faces) {
    const from = Math.max(first - passed, 0);
    found.push(...face.windows.slice(from, from + PAGE - found.length).map((window) => [face, window]));
    if (found.length === PAGE) break;
    passed += face.windows.length;
  }
  return found;
}

/**
 * Show the first windows of a result as a table, with a button for the next ones.
 * @param {HTMLElement} box
 * @param {object} result
 */
export function drawTable(box, result) {
  const { labels } = result.model;
  const count = result.faces.reduce((sum, face) => sum + face.windows.length, 0);
  const hasSpeaking = result.faces.some((face) => face.windows.some((window) => (window.speaking ?? null) !== null));
  const heads = ["face", "start", "end", "emotion", "confidence"].map((name) => t(`table.${name}`));
  const head = [...heads, ...labels.map(emotionName), ...(hasSpeaking ? [t("table.speaking")] : []), t("table.flags")];
  const text = new Set([t("table.emotion"), t("table.flags")]);
  const body = make("tbody");
  const more = make("button", { class: "button small table-more", type: "button", onclick: () => add() });
  const add = () => {
    const first = body.rows.length;
    body.append(...pageOf(result.faces, first).map((pair) => row(pair, labels, hasSpeaking)));
    const shown = body.rows.length;
    more.hidden = shown === count;
    more.textContent = t("table.more", { shown: decimal(shown, 0), all: decimal(count, 0) });
  };
  add();
  box.replaceChildren(
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col", class: text.has(name) ? "text" : null }, name)))),
      body,
    ),
    more,
  );
}
