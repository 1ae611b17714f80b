/** The page at /agreement: raters against each other and against the model. */

import { getAgreement, Problem } from "../api/client.js";
import { startKey } from "../api/key.js";
import { drawThreshold, loadThreshold, startThreshold } from "../agreement/threshold.js";
import { confusionTable, estimateText, table, thresholdText } from "../agreement/figures.js";
import { byId, make } from "../common/dom.js";
import { currentLanguage, percent, setLanguage, t } from "../common/i18n.js";
import { showTrouble } from "../common/trouble.js";

const job = /^#job\/([\w-]+)$/.exec(location.hash)?.[1];

let found = null;

function showProblem(problem) {
  byId("agreement").hidden = true;
  showTrouble(problem);
}

async function load() {
  try {
    if (!job) throw new Problem({ code: "job_not_found", title: "The job does not exist", status: 404 });
    [found] = await Promise.all([getAgreement(job, byId("target").value), loadThreshold(job)]);
  } catch (problem) {
    showProblem(problem);
    if (!(problem instanceof Problem)) throw problem;
    return;
  }
  byId("trouble").hidden = true;
  byId("agreement").hidden = false;
  draw();
}

function draw() {
  byId("language").value = currentLanguage();
  if (!found) return;
  const { labels, stretches, people, raters, enough, model, intervals } = found;
  byId("agreement-facts").textContent = t("agreement.facts", { labels, stretches, people, raters: raters.join(", ") || "–" });
  byId("enough").hidden = enough;
  byId("enough").textContent = labels ? t("agreement.few") : t("agreement.none");
  drawModel(model);
  byId("threshold-text").textContent = thresholdText(model.threshold);
  drawThreshold(model.threshold.uncertain_below);
  for (const option of byId("target").options) option.textContent = percent(Number(option.value));
  drawPairs();
  byId("agreement-method").textContent = t(`agreement.method_${intervals.over}`, { resamples: intervals.resamples });
}

function drawModel(model) {
  const figures = table([t("agreement.figure"), t("agreement.value")], [
    [t("agreement.accuracy"), estimateText(model.accuracy, percent)],
    [t("agreement.ece"), estimateText(model.ece)],
  ]);
  const recall = table(
    [t("agreement.emotion"), t("agreement.recall"), t("agreement.windows")],
    Object.entries(model.recall).map(([label, estimate]) => [t(`emotions.${label}`), estimateText(estimate, percent), String(estimate.windows)]),
  );
  const left = model.undecided ? make("p", { class: "fine" }, t("agreement.undecided", { count: model.undecided })) : null;
  byId("model-figures").replaceChildren(...[left, figures, recall].filter(Boolean));
}

function drawPairs() {
  const blocks = found.pairs.map((pair) => {
    const title = t("agreement.pair", { one: pair.one, other: pair.other ?? t("agreement.the_model") });
    const figures = table([t("agreement.figure"), t("agreement.value")], [
      [t("agreement.kappa"), estimateText(pair.kappa)],
      [t("agreement.alpha"), estimateText(pair.alpha)],
      [t("agreement.windows"), String(pair.windows)],
    ]);
    return make("section", {}, make("h3", {}, title), figures, confusionTable(pair));
  });
  byId("pairs").replaceChildren(...blocks);
  if (!blocks.length) byId("pairs").append(make("p", { class: "fine" }, t("agreement.none")));
}

startKey(load);
startThreshold(load);
byId("target").addEventListener("change", load);
byId("language").addEventListener("change", ({ target }) => setLanguage(target.value));
document.addEventListener("language", draw);
byId("back").href = `/#job/${job}`;
byId("label-more").href = `/label#job/${job}`;
setLanguage();
load();
