/** A window in words: the same on tags, cards, lanes and in the table. */

import { emotionName, percent, t } from "./i18n.js";

const named = ({ emotion, confidence }) => `${emotionName(emotion)} ${percent(confidence)}`;

/**
 * "neutral 75%", or "uncertain (neutral 45%)".
 * @param {{ emotion: string, confidence: number, uncertain: boolean }} window confidence from 0 to 1
 * @returns {string}
 */
export const windowText = (window) =>
  window.uncertain ? t("faces.uncertain_finding", { finding: named(window) }) : named(window);

/**
 * The same without the confidence, for tables that have a column for it.
 * @param {{ emotion: string, uncertain: boolean }} window
 * @returns {string}
 */
export const windowEmotionText = ({ emotion, uncertain }) =>
  uncertain ? t("faces.uncertain_finding", { finding: emotionName(emotion) }) : emotionName(emotion);
