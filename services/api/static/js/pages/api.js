/** The page at /api: every call, drawn from /openapi.json. */

import { startKey } from "../api/key.js";
import { byId, make } from "../common/dom.js";
import { currentLanguage, setLanguage, t } from "../common/i18n.js";

/** Of the service in the samples. */
const ADDRESS = "http://127.0.0.1:8000";

const METHODS = ["options", "get", "head", "post", "put", "patch", "delete"];

/** Of the Markdown in descriptions only `code` is rendered. */
const words = (text = "") => text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? make("code", {}, part) : part));

/** An accessible name that follows the language. */
const label = (key) => ({ "aria-label": t(key), "data-i18n-label": key });

function parameters(list = []) {
  if (!list.length) return null;
  const rows = list.map(({ name, in: place, description }) =>
    make("tr", {}, make("th", { scope: "row", class: "text" }, make("code", {}, name)), make("td", { class: "text" }, place), make("td", { class: "text said" }, ...words(description))));
  return make("div", { class: "table-scroll", tabindex: 0, role: "region", ...label("api.parameters") },
    make("table", {}, make("caption", { "data-i18n": "api.parameters" }, t("api.parameters")), make("tbody", {}, ...rows)));
}

function responseList(responses) {
  const items = Object.entries(responses).flatMap(([status, { description }]) => [make("dt", {}, status), make("dd", {}, ...words(description))]);
  return make("dl", { class: "responses", ...label("api.responses") }, ...items);
}

/** The first clause of a description. */
const gist = (text = "") => text.split(/[.:] /)[0].replace(/\.$/, "");

const STORED = "duygu.samples";

function storedLabel() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function storeLabel(label) {
  try {
    localStorage.setItem(STORED, label);
  } catch {
    // private windows may forbid storage; the next visit then starts with curl
  }
}

/** The samples of a call, of which one is shown. */
const samples = (list = []) =>
  list.map(({ label, source }) => make("pre", { class: "call", "data-sample": label, tabindex: 0 }, source.replaceAll(ADDRESS, location.origin)));

/** Show the samples in the chosen language. */
function showSamples() {
  for (const sample of document.querySelectorAll("[data-sample]")) sample.hidden = sample.dataset.sample !== byId("samples").value;
}

function call(path, method, about) {
  const paragraphs = (about.description ?? "").split(/\n{2,}/).filter(Boolean);
  return make("details", { class: "card api-call" },
    make("summary", {},
      make("span", { class: "method" }, method.toUpperCase()),
      make("code", {}, path),
      make("span", { class: "gist" }, ...words(gist(paragraphs[0])))),
    ...samples(about["x-codeSamples"]),
    ...paragraphs.map((text) => make("p", {}, ...words(text))),
    parameters(about.parameters),
    responseList(about.responses));
}

async function draw() {
  const description = await (await fetch("/openapi.json")).json();
  const calls = Object.entries(description.paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => method in operations).map((method) => call(path, method, operations[method])));
  byId("calls").replaceChildren(...calls);
  byId("first-call").replaceChildren(...samples(description.paths["/v1/videos"].post["x-codeSamples"]));
  showSamples();
}

function translate() {
  byId("language").value = currentLanguage();
}

document.addEventListener("language", translate);
byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
byId("samples").value = storedLabel() ?? "curl";
if (!byId("samples").value) byId("samples").value = "curl";
byId("samples").addEventListener("change", ({ target }) => { storeLabel(target.value); showSamples(); });
setLanguage();
startKey();
draw().catch(() => { byId("calls").textContent = t("trouble.offline"); });
