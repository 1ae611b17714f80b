/** The page at /api: every call, drawn from /openapi.json. */

import { startKey } from "../api/key.js";
import { byId, make } from "../common/dom.js";
import { currentLanguage, setLanguage, t } from "../common/i18n.js";

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

function answers(responses) {
  const items = Object.entries(responses).flatMap(([status, { description }]) => [make("dt", {}, status), make("dd", {}, ...words(description))]);
  return make("dl", { class: "answers", ...label("api.answers") }, ...items);
}

/** The first clause of a description. */
const gist = (text = "") => text.split(/[.:] /)[0].replace(/\.$/, "");

/** The options of curl that send the body of a call: a form, or JSON from a file. */
function bodyOptions(body) {
  if (!body) return "";
  return "multipart/form-data" in body.content ? "-F video=@holiday.mp4 " : "-H 'Content-Type: application/json' -d @body.json ";
}

function curl(method, path, body) {
  const verb = ["get", "post"].includes(method) ? "" : `-X ${method.toUpperCase()} `;
  return make("pre", { class: "call" }, `curl ${verb}${bodyOptions(body)}${location.origin}${path}`);
}

function call(path, method, about) {
  const paragraphs = (about.description ?? "").split(/\n{2,}/).filter(Boolean);
  return make("details", { class: "card api-call" },
    make("summary", {},
      make("span", { class: "method" }, method.toUpperCase()),
      make("code", {}, path),
      make("span", { class: "gist" }, ...words(gist(paragraphs[0])))),
    curl(method, path, about.requestBody),
    ...paragraphs.map((text) => make("p", {}, ...words(text))),
    parameters(about.parameters),
    answers(about.responses));
}

async function draw() {
  const description = await (await fetch("/openapi.json")).json();
  const calls = Object.entries(description.paths).flatMap(([path, operations]) =>
    METHODS.filter((method) => method in operations).map((method) => call(path, method, operations[method])));
  byId("calls").replaceChildren(...calls);
}

function translate() {
  byId("language").value = currentLanguage();
  byId("first-call").textContent = `curl -F video=@holiday.mp4 ${location.origin}/v1/videos`;
}

document.addEventListener("language", translate);
byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
setLanguage();
startKey();
draw().catch(() => { byId("calls").textContent = t("trouble.offline"); });
