/** The result in every format that the server offers. */

import { getFile, resultLink } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { errorTitle, t } from "./i18n.js";
import { annotate } from "./jobs.js";

/** A browser takes a moment to save what it was given. */
const KEPT_MS = 60_000;

/** What is saved beside the video must not have its name. */
const ENDINGS = { mp4: "annotated.mp4" };

const FORMATS = ["csv", "html", "png", "json", "ndjson", "vtt", "srt"];

/** Fetch the file first: a link alone cannot send a key, and the server does not know what the video was called. */
async function save(event) {
  const link = event.currentTarget;
  const { href, download } = link;
  const tell = (text) => { if (link.isConnected) byId("downloads-note").textContent = text; };
  event.preventDefault();
  tell(t("downloads.fetching", { name: download }));
  try {
    const url = URL.createObjectURL(await getFile(href));
    make("a", { href: url, download }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
    tell(t("downloads.saved", { name: download }));
  } catch (problem) {
    tell(errorTitle(problem));
  }
}

const inside = (format, text, symbol) => [make("b", {}, format.toUpperCase()), make("span", {}, text), icon(symbol)];

function link(entry, format) {
  const stem = entry.name.replace(/\.[^.]*$/, "");
  const where = { href: resultLink(entry.id, format), download: `${stem}.${ENDINGS[format] ?? format}` };
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
  byId("downloads-note").textContent = "";
}
