/** Every window as a table: for screen readers, for copying, and for whoever prefers figures. */

import { make } from "../common/dom.js";
import { clock, decimal, emotionName, percent, t } from "../common/i18n.js";
import { windowEmotionText } from "../common/window-text.js";
import { flagNames } from "../timeline/tooltip.js";

/** Rows that are made at once: an hour of twenty faces has more than a hundred thousand, which no browser lays out in time. */
const PAGE = 200;

function row([face, window], labels) {
  const figures = labels.map((label) => make("td", {}, percent(window.probabilities[label] ?? 0, 1)));
  return make(
    "tr",
    {},
    make("td", {}, String(face.face_id)),
    make("td", {}, clock(window.start_s)),
    make("td", {}, clock(window.end_s)),
    make("td", { class: "text" }, windowEmotionText(window)),
    make("td", {}, percent(window.confidence, 1)),
    ...figures,
    make("td", { class: "text flags" }, flagNames(window)),
  );
}

/** The windows of a page that begins with the one numbered `first`, each with its face. */
function page(faces, first) {
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

/** Put the first windows of a result into `box`, with a button for those that follow. */
export function drawTable(box, result) {
  const { labels } = result.model;
  const count = result.faces.reduce((sum, face) => sum + face.windows.length, 0);
  const heads = ["face", "start", "end", "emotion", "confidence"].map((name) => t(`table.${name}`));
  const head = [...heads, ...labels.map(emotionName), t("table.flags")];
  const text = new Set([t("table.emotion"), t("table.flags")]);
  const body = make("tbody");
  const more = make("button", { class: "button small table-more", type: "button", onclick: () => add() });
  const add = () => {
    const first = body.rows.length;
    body.append(...part(result.faces, first).map((pair) => row(pair, labels)));
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
