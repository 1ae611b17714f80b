/** Figures of an agreement with their intervals, as text and tables. */

import { make } from "../common/dom.js";
import { currentLanguage, decimal, percent, t } from "../common/i18n.js";
import { watchOverflow } from "../common/overflow.js";

const two = (value) => decimal(value).replace("-", "\u2212");

/**
 * A figure with its interval, or why there is none.
 * @param {object} estimate as GET …/agreement gives it
 * @param {(value: number) => string} format
 * @returns {HTMLElement}
 */
export function estimateText(estimate, format = two) {
  if (estimate.value === null) return make("span", { class: "range" }, reasonText(estimate.reason));
  const range = estimate.low === null ? null : make("span", { class: "range" }, ` ${t("agreement.range", { low: format(estimate.low), high: format(estimate.high) })}`);
  return make("span", {}, format(estimate.value), range);
}

/**
 * @param {{ code: string, found: number | null, needed: number | null } | null} reason
 * @returns {string}
 */
export function reasonText(reason) {
  if (!reason) return "–";
  return t(`agreement.reasons.${reason.code}`, { found: reason.found ?? "?", needed: reason.needed ?? "?" });
}

const headed = (headings) => make("thead", {}, make("tr", {}, ...headings.map((heading) => make("th", { scope: "col" }, heading))));

/** A box in which a table scrolls where the page is narrow, by keyboard too; its faded side shows that there is more. */
function scrolling(content, label) {
  const box = make("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": label }, content);
  watchOverflow(box);
  return box;
}

const cellOf = (content) => make("td", {}, content);

/**
 * A table of rows with a head each.
 * @param {string[]} headings of the columns, that of the row heads first
 * @param {[string, ...(Node | string)[]][]} rows
 * @returns {HTMLElement} it scrolls by itself where the page is narrow
 */
export function table(headings, rows) {
  const body = rows.map(([head, ...cells]) => make("tr", {}, make("th", { scope: "row" }, head), ...cells.map(cellOf)));
  return scrolling(make("table", {}, headed(headings), make("tbody", {}, ...body)), headings.join(", "));
}

/**
 * A confusion matrix.
 * @param {{ labels: string[], confusion: number[][], one: string, other: string | null }} pair
 * @returns {HTMLElement}
 */
export function confusionTable({ labels, confusion, one, other }) {
  const names = labels.map((label) => t(`emotions.${label}`));
  const rows = confusion.map((counts, i) => {
    const cells = counts.map((count, j) => make("td", { class: i === j ? "same" : null }, count ? String(count) : "·"));
    return make("tr", {}, make("th", { scope: "row" }, names[i]), ...cells);
  });
  const corner = t("agreement.corner", { one, other: other ?? t("agreement.the_model") });
  return scrolling(make("table", {}, headed([corner, ...names]), make("tbody", {}, ...rows)), corner);
}

/** A text as a sentence of its own. */
const sentence = (text) => text && `${text[0].toLocaleUpperCase(currentLanguage())}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;

/**
 * The threshold that reaches a target accuracy, in words.
 * @param {object} threshold as GET …/agreement gives it
 * @returns {string}
 */
export function thresholdText({ target_accuracy: target, uncertain_below: below, kept, now, reason }) {
  const present = now.accuracy.value === null
    ? t("agreement.now_unknown")
    : t("agreement.now", { accuracy: percent(now.accuracy.value), share: percent(now.share_kept ?? 0) });
  if (below === null) return `${present} ${sentence(reasonText(reason))}`;
  const wanted = { target: percent(target), below: below.toFixed(3), share: percent(kept.share_kept ?? 0) };
  return `${present} ${t("agreement.keeps", wanted)}`;
}
