/** How reliable a result is: remarks, and the model's measured figures. */

import { getModel } from "../api/client.js";
import { byId, make } from "../common/dom.js";
import { decimal, percent, t } from "../common/i18n.js";

let model = null;
let setBelow = null;
let layer = null; // for relative predictions, of the shown result

/**
 * Load and draw the model in use.
 * @returns {Promise<void>}
 * @throws {Problem}
 */
export async function loadModel() {
  model ??= await getModel();
  drawModel();
}

/** The name of a protocol in the chosen language, else its own. */
function nameOf(protocol) {
  const key = `trust.names.${protocol}`;
  const name = t(key);
  return name === key ? protocol : name;
}

function measuredRow([protocol, { accuracy, uar, ece }]) {
  return make("tr", {},
    make("th", { scope: "row", class: "text" }, nameOf(protocol)),
    make("td", {}, percent(accuracy)),
    make("td", {}, percent(uar)),
    make("td", {}, t("trust.points", { points: decimal(ece * 100, 1) })));
}

function measuredTable() {
  const heads = ["on", "right", "mean", "off"].map((name) => make("th", { scope: "col" }, t(`trust.${name}`)));
  return make("div", { class: "measured", tabindex: 0, role: "region", "aria-label": t("trust.measured") },
    make("table", {},
      make("caption", {}, t("trust.measured")),
      make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...Object.entries(model.measured).map(measuredRow))));
}

function card() {
  return make("details", {}, make("summary", {}, t("trust.card")), make("pre", { class: "model-card", lang: "en" }, model.card));
}

/** The sentence about the threshold of `uncertain`, by its key, and its values. */
function thresholdOf() {
  if (setBelow !== null) return ["confidence_set", { threshold: percent(setBelow, 1) }];
  const known = typeof model.certain_means === "number";
  const values = { threshold: percent(model.uncertain_below), right: known ? percent(model.certain_means) : "" };
  return [known ? "confidence" : "confidence_unmeasured", values];
}

/** The sentence about predictions relative to a resting face, where the share of right ones was measured. */
function relativePoint() {
  if (typeof layer?.certain_means !== "number") return [];
  return [t("trust.relative", { threshold: percent(layer.uncertain_below), right: percent(layer.certain_means) })];
}

/**
 * Draw the measured figures in the chosen language; nothing until the model is loaded.
 * @param {number | null} below threshold of `uncertain` that an edit of the shown result set; the one so far by default
 * @param {object | null} relative the layer for relative predictions of the shown result; the one so far by default
 */
export function drawModel(below = setBelow, relative = layer) {
  setBelow = below;
  layer = relative ?? null;
  if (!model) return;
  const [confidence, values] = thresholdOf();
  const points = [t(`trust.${confidence}`, values), ...relativePoint(), ...["talking", "weak", "accident", "use"].map((key) => t(`trust.${key}`))];
  byId("model-line").textContent = t("foot.model", { name: model.name, version: model.version });
  byId("trust").replaceChildren(
    make("ul", { class: "trust-points" }, ...points.map((text) => make("li", {}, text))),
    make("p", { class: "reading" }, make("a", { href: "/docs/reading-the-result" }, t("trust.reading"))),
    ...(Object.keys(model.measured).length ? [measuredTable()] : []),
    card(),
  );
}
