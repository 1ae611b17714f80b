/** What a window found, in words: the same on tags, cards, lanes and in the table. */

import { emotionName, percent, t } from "./i18n.js";

const named = ({ emotion, confidence }) => `${emotionName(emotion)} ${percent(confidence)}`;

/** "neutral 75%", or "uncertain (neutral 45%)": what is uncertain is no finding. `window` has emotion, confidence, uncertain. */
export const windowText = (window) =>
  window.uncertain ? t("faces.uncertain_finding", { finding: named(window) }) : named(window);

/** The same without the figure, for tables that have a column for it. */
export const windowEmotionText = ({ emotion, uncertain }) =>
  uncertain ? t("faces.uncertain_finding", { finding: emotionName(emotion) }) : emotionName(emotion);
