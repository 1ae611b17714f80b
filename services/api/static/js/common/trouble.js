/** The section of a page that tells why it cannot show what its address names. */

import { byId } from "./dom.js";
import { currentLanguage, errorTitle, remedy, t } from "./i18n.js";

let shown = null;

/**
 * The heading of a problem in the chosen language.
 * @param {{ code: string, title?: string }} problem
 * @returns {string}
 */
export const titleOf = (problem) => (problem.code === "offline" ? t("trouble.offline") : errorTitle(problem));

/**
 * What to say below the heading. The server's detail is in English; another language shows the remedy of the page instead, where there is one.
 * @param {{ code: string, title?: string, message: string }} problem
 * @param {string | null} advice the remedy in the chosen language
 * @returns {{ text: string, lang?: string }} with `lang` where the text is not in the chosen language
 */
export function detailOf(problem, advice = remedy(problem.code)) {
  if (problem.code === "offline") return { text: t("trouble.offline_detail") };
  if (advice && currentLanguage() !== "en") return { text: advice };
  const detail = problem.message === problem.title ? "" : problem.message;
  return { text: [detail, advice].filter(Boolean).join(" "), lang: "en" };
}

function draw() {
  if (!shown) return;
  const { text, lang } = detailOf(shown);
  byId("trouble-title").textContent = titleOf(shown);
  byId("trouble-detail").textContent = text;
  byId("trouble-detail").lang = lang ?? currentLanguage();
  byId("trouble-detail").hidden = !text;
  byId("trouble-code").textContent = shown.code;
}

/**
 * Show a problem in place of the page, and in each language that is chosen afterwards.
 * @param {{ code: string, title?: string, message: string }} problem
 */
export function showTrouble(problem) {
  if (!shown) document.addEventListener("language", draw);
  shown = problem;
  byId("trouble").hidden = false;
  draw();
}
