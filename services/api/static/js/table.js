/** Every window as a table: for screen readers, for copying, and for whoever prefers figures. */

import { make } from "./dom.js";
import { findingName } from "./finding.js";
import { clock, emotionName, percent, t } from "./i18n.js";
import { flagNames } from "./tooltip.js";

function row(face, window, labels) {
  const figures = labels.map((label) => make("td", {}, percent(window.probabilities[label] ?? 0, 1)));
  return make(
    "tr",
    {},
    make("td", {}, String(face.face_id)),
    make("td", {}, clock(window.start_s)),
    make("td", {}, clock(window.end_s)),
    make("td", { class: "text" }, findingName(window)),
    make("td", {}, percent(window.confidence, 1)),
    ...figures,
    make("td", { class: "text" }, flagNames(window)),
  );
}

export function windowTable(result) {
  const { labels } = result.model;
  const heads = ["face", "start", "end", "emotion", "confidence"].map((name) => t(`table.${name}`));
  const head = [...heads, ...labels.map(emotionName), t("table.flags")];
  const rows = result.faces.flatMap((face) => face.windows.map((window) => row(face, window, labels)));
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows),
  );
}
