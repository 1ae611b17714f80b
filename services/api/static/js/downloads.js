/** The result in every format that the server offers. */

import { getFile, resultLink } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { errorTitle, t } from "./i18n.js";
import { annotate } from "./jobs.js";
import { hasKey } from "./key.js";

const FORMATS = ["csv", "html", "png", "json", "ndjson", "vtt", "srt"];

/** A link cannot send a key: with one, the file is fetched first. */
async function save(event) {
  if (!hasKey()) return;
  const { href, download } = event.currentTarget;
  event.preventDefault();
  byId("downloads-note").textContent = "";
  try {
    const url = URL.createObjectURL(await getFile(href));
    make("a", { href: url, download }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (problem) {
    byId("downloads-note").textContent = errorTitle(problem);
  }
}

const inside = (format, text, symbol) => [make("b", {}, format.toUpperCase()), make("span", {}, text), icon(symbol)];

function link(entry, format) {
  const stem = entry.name.replace(/\.[^.]*$/, "");
  const where = { href: resultLink(entry.id, format), download: `${stem}.${format}` };
  return make("a", { class: "download", ...where, onclick: save }, ...inside(format, t(`downloads.${format}`), "download"));
}

/** The annotated video, or how to get it where nobody asked for it with the upload. */
function film(entry) {
  if (entry.video) return link(entry, "mp4");
  const again = () => {
    annotate(entry);
    location.hash = "";
  };
  return make("button", { class: "download", type: "button", disabled: !entry.file, onclick: again },
    ...inside("mp4", t(entry.file ? "downloads.make_mp4" : "downloads.no_mp4"), "film"));
}

export function drawDownloads(entry) {
  const items = [film(entry), ...FORMATS.map((format) => link(entry, format))];
  byId("downloads").replaceChildren(...items.map((item) => make("li", {}, item)));
}
