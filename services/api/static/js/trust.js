/** How far to trust the result, from the model's own published figures. */

import { getModel } from "./api.js";
import { byId, make } from "./dom.js";
import { percent, t } from "./i18n.js";

let model = null;

export async function loadModel() {
  model ??= await getModel();
  drawModel();
}

function figures() {
  return Object.entries(model.measured)
    .map(([name, { accuracy }]) => t("trust.measured_on", { accuracy: percent(accuracy), name: t(`trust.names.${name}`) }))
    .join(", ");
}

export function drawModel() {
  if (!model) return;
  byId("model-line").textContent = t("foot.model", { name: model.name, version: model.version });
  const texts = [
    t("trust.confidence", { threshold: percent(model.uncertain_below) }),
    Object.keys(model.measured).length ? t("trust.measured", { figures: figures() }) : null,
    t("trust.weak"),
    t("trust.use"),
  ];
  byId("trust").replaceChildren(...texts.filter(Boolean).map((text) => make("p", {}, text)));
}
