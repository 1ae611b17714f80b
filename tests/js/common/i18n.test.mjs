/** Texts, numbers and times in both languages. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = Object.assign(new EventTarget(), { documentElement: {}, querySelectorAll: () => [] });

const { byteCount, clock, currentLanguage, errorTitle, fileSize, longSpan, percent, preciseSpan, remedy, setLanguage, span, t } =
  await import("../../../services/api/static/js/common/i18n.js");
const en = (await import("../../../services/api/static/js/locales/en.js")).default;
const tr = (await import("../../../services/api/static/js/locales/tr.js")).default;

/** Dotted keys of all texts; a text with plural forms counts as one. */
const keysOf = (node, path = "") =>
  Object.entries(node).flatMap(([key, value]) =>
    typeof value === "object" && !("other" in value) ? keysOf(value, `${path}${key}.`) : [`${path}${key}`]);

const textOf = (texts, key) => key.split(".").reduce((node, part) => node[part], texts);
const placeholders = (text) => [...JSON.stringify(text).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

function inLanguage(language, check) {
  setLanguage(language);
  check();
  setLanguage("en");
}

test("both languages have the same keys", () => {
  const { errors: _, ...english } = en;
  const { errors: __, ...turkish } = tr;
  assert.deepEqual(keysOf(turkish).sort(), keysOf(english).sort());
});

test("a text has the same placeholders in both languages", () => {
  for (const key of keysOf(en)) {
    const names = (texts) => [...new Set(placeholders(textOf(texts, key)))].sort();
    assert.deepEqual(names(tr), names(en), key);
  }
});

test("placeholders are filled, and one without a value stays visible", () => {
  assert.equal(t("faces.name", { id: 3 }), "Face 3");
  assert.equal(t("faces.name"), "Face {id}");
});

test("count selects the plural form", () => {
  assert.equal(t("result.faces", { count: 1 }), "1 face");
  assert.equal(t("result.faces", { count: 2 }), "2 faces");
  inLanguage("tr", () => assert.equal(t("result.faces", { count: 2 }), "2 yüz"));
});

test("an unknown key is returned as it is", () => {
  assert.equal(t("no.such.key"), "no.such.key");
});

test("an error has the title of the chosen language, else the server's, else its code", () => {
  inLanguage("tr", () => assert.equal(errorTitle({ code: "job_not_found", title: "There is no such job" }), "Böyle bir iş yok"));
  assert.equal(errorTitle({ code: "unknown_here", title: "As the server says" }), "As the server says");
  assert.equal(errorTitle({ code: "unknown_here" }), "unknown_here");
});

test("a remedy is null for a code without one", () => {
  assert.equal(remedy("no_such_code"), null);
  assert.match(remedy("too_long", { length: "3 hours" }), /3 hours/);
});

test("an unknown language falls back to English", () => {
  setLanguage("xx");
  assert.equal(currentLanguage(), "en");
  assert.equal(document.documentElement.lang, "en");
});

test("a change of the language is dispatched on the document", () => {
  let heard = null;
  document.addEventListener("language", (event) => { heard = event.detail; }, { once: true });
  inLanguage("tr", () => assert.equal(heard, "tr"));
});

test("seconds are shown as a clock, with hours where there are any", () => {
  assert.equal(clock(2.44), "0:02.4");
  assert.equal(clock(59.96), "1:00.0");
  assert.equal(clock(3723, 0), "1:02:03");
  assert.equal(clock(-1), "0:00.0");
});

test("spans are in seconds below ninety and in minutes above, and never zero", () => {
  assert.equal(span(0.2), "1 sec");
  assert.equal(span(89), "89 sec");
  assert.equal(span(90), "2 min");
});

test("long spans choose their unit, in days from two days on", () => {
  assert.equal(longSpan(5400), "1.5 hours");
  assert.equal(longSpan(86_400), "24 hours");
  assert.equal(longSpan(172_800), "2 days");
});

test("sizes are in powers of 1000 as the settings have them", () => {
  assert.equal(fileSize(500_000_000), "500 MB");
  assert.equal(fileSize(1_500_000_000), "1.5 GB");
  assert.equal(fileSize(0), "0 bytes");
  assert.equal(byteCount(1234), "1,234 bytes");
});

test("percentages follow the language", () => {
  assert.equal(percent(0.321, 1), "32.1%");
  inLanguage("tr", () => assert.equal(percent(0.32), "%32"));
});

test("a short time has a tenth of a second", () => {
  setLanguage("en");
  assert.deepEqual([0.02, 0.62, 2].map(preciseSpan), ["0.1 sec", "0.6 sec", "2 sec"]);
  setLanguage("tr");
  assert.equal(preciseSpan(0.62), "0,6 sn.");
  setLanguage("en");
});
