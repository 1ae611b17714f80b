/** Texts, numbers and times in the chosen language, English or Turkish. */

import en from "../locales/en.js";
import tr from "../locales/tr.js";

const LOCALES = { en, tr };
const KEY = "duygu.language";

let language = "en";

const find = (texts, key) => key.split(".").reduce((node, part) => node?.[part], texts);

/**
 * The text of a key in the chosen language, with its {placeholders} filled. `count` selects the plural form where there are several.
 * @param {string} key dotted, for example "jobs.queued"
 * @param {Record<string, string | number>} values
 * @returns {string} the English text where the language has none; the key itself where neither has
 */
export function t(key, values = {}) {
  let text = find(LOCALES[language], key) ?? find(en, key) ?? key;
  if (typeof text === "object") text = text[new Intl.PluralRules(language).select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/**
 * The title of a problem in the chosen language, else the server's.
 * @param {{ code: string, title?: string }} problem
 * @returns {string}
 */
export function errorTitle(problem) {
  return LOCALES[language].errors[problem.code] ?? problem.title ?? problem.code;
}

/**
 * What to do about an error, in the chosen language.
 * @param {string} code
 * @param {Record<string, string>} values of its {placeholders}
 * @returns {string | null} null for a code without a remedy
 */
export function remedy(code, values = {}) {
  const key = `remedies.${code}`;
  const text = t(key, values);
  return text === key ? null : text;
}

const formatters = new Map(); // making one takes longer than using it a hundred times

function format(value, options) {
  const key = `${language} ${JSON.stringify(options)}`;
  if (!formatters.has(key)) formatters.set(key, new Intl.NumberFormat(language, options));
  return formatters.get(key).format(value);
}

const digitsOf = (digits) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });

/**
 * @param {number} share 0 to 1
 * @param {number} digits after the point
 * @returns {string}
 */
export const percent = (share, digits = 0) => format(share, { style: "percent", ...digitsOf(digits) });

/**
 * @param {number} value
 * @param {number} digits after the point
 * @returns {string}
 */
export const decimal = (value, digits = 2) => format(value, digitsOf(digits));

/**
 * @param {number} count
 * @returns {string} "1,234 bytes"
 */
export const byteCount = (count) => format(count, { style: "unit", unit: "byte", unitDisplay: "long" });

/**
 * @param {number | Date} date ms since 1970
 * @returns {string} date and time in short form
 */
export const when = (date) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(date);

/**
 * @param {number} seconds
 * @param {number} digits after the point
 * @returns {string} "0:02.4", or "1:02:03"
 */
export function clock(seconds, digits = 1) {
  const unit = 10 ** digits;
  const total = Math.round(Math.max(0, seconds) * unit) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const rest = (total % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * @param {number} seconds
 * @returns {string} "12 sec" below ninety seconds, "3 min" above
 */
export function span(seconds) {
  const [value, unit] = seconds < 90 ? [Math.max(1, Math.round(seconds)), "second"] : [Math.round(seconds / 60), "minute"];
  return format(value, { style: "unit", unit, unitDisplay: "short" });
}

/**
 * @param {number} seconds
 * @returns {string} "0.6 sec", at least 0.1
 */
export const preciseSpan = (seconds) =>
  format(Math.max(0.1, seconds), { style: "unit", unit: "second", unitDisplay: "short", maximumFractionDigits: 1 });

/**
 * @param {number} count bytes
 * @returns {string} "512 MB", in powers of 1000 as the settings have them
 */
export function fileSize(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  const style = { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step > 2 ? 1 : 0 };
  return format(count / 1000 ** step, style);
}

/**
 * @param {number} seconds
 * @returns {string} "3 hours" or "1.5 hours"; days from two days on
 */
export function longSpan(seconds) {
  const units = [["day", 86_400, 2], ["hour", 3600, 1], ["minute", 60, 1], ["second", 1, 0]];
  const [unit, size] = units.find(([, length, from]) => seconds >= length * from);
  return format(seconds / size, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 });
}

/**
 * @param {string} emotion a label
 * @returns {string} its name in the chosen language
 */
export const emotionName = (emotion) => t(`emotions.${emotion}`);

/** @returns {"en" | "tr"} */
export const currentLanguage = () => language;

function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of document.querySelectorAll("[data-i18n-placeholder]")) element.placeholder = t(element.dataset.i18nPlaceholder);
  for (const element of document.querySelectorAll("[data-i18n-label]")) {
    const label = t(element.dataset.i18nLabel);
    element.setAttribute("aria-label", label);
    if (element.matches("button")) element.title = label;
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/**
 * Choose a language and translate the page; dispatches `language` on the document.
 * @param {string} [wanted] without it, the stored choice or the browser's language
 */
export function setLanguage(wanted) {
  const choice = wanted ?? remembered() ?? navigator.language.slice(0, 2);
  language = choice in LOCALES ? choice : "en";
  if (wanted) {
    try {
      localStorage.setItem(KEY, language);
    } catch {
      // Private windows may forbid storage; the choice then lasts until the page closes.
    }
  }
  translatePage();
  document.dispatchEvent(new CustomEvent("language", { detail: language }));
}
