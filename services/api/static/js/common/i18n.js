/** English and Turkish: texts by dotted key, numbers and times in the reader's own way. */

import en from "../locales/en.js";
import tr from "../locales/tr.js";

const LOCALES = { en, tr };
const KEY = "duygu.language";

let language = "en";

const find = (texts, key) => key.split(".").reduce((node, part) => node?.[part], texts);

/** The text of a key, its {places} filled. A text with plural forms is chosen by `count`. */
export function t(key, values = {}) {
  let text = find(LOCALES[language], key) ?? find(en, key) ?? key;
  if (typeof text === "object") text = text[new Intl.PluralRules(language).select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The reader's own text for a stable error code, else the server's. */
export function errorTitle(problem) {
  return LOCALES[language].errors[problem.code] ?? problem.title ?? problem.code;
}

/** What may be done about an error, in the reader's language; null where nothing is known. `values` fill its {places}. */
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

export const percent = (share, digits = 0) => format(share, { style: "percent", ...digitsOf(digits) });

export const decimal = (value, digits = 2) => format(value, digitsOf(digits));

export const byteCount = (count) => format(count, { style: "unit", unit: "byte", unitDisplay: "long" });

export const when = (date) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(date);

/** Seconds as 0:02.4, or 1:02:03 where tenths do not matter. */
export function clock(seconds, digits = 1) {
  const unit = 10 ** digits;
  const total = Math.round(Math.max(0, seconds) * unit) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const rest = (total % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** A span in words, as "about 12 sec": seconds below ninety, minutes above. */
export function span(seconds) {
  const [value, unit] = seconds < 90 ? [Math.max(1, Math.round(seconds)), "second"] : [Math.round(seconds / 60), "minute"];
  return format(value, { style: "unit", unit, unitDisplay: "short" });
}

/** Bytes as "512 MB", in steps of a thousand as the settings count them. */
export function fileSize(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  const style = { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step > 2 ? 1 : 0 };
  return format(count / 1000 ** step, style);
}

/** A long span in words, as "3 hours" or "1.5 hours"; in days from two days on. */
export function longSpan(seconds) {
  const units = [["day", 86_400, 2], ["hour", 3600, 1], ["minute", 60, 1], ["second", 1, 0]];
  const [unit, size] = units.find(([, length, from]) => seconds >= length * from);
  return format(seconds / size, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 });
}

export const emotionName = (emotion) => t(`emotions.${emotion}`);

export const currentLanguage = () => language;

function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
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

/** Change the language, or take the remembered or the browser's own; tells the page by a `language` event. */
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
