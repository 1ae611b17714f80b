/** Links to the result in every format that the server offers. */

import { resultLink } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { t } from "./i18n.js";

const FORMATS = ["json", "csv", "ndjson", "vtt", "srt", "html", "png"];

export function drawDownloads(entry) {
  const stem = entry.name.replace(/\.[^.]*$/, "");
  const link = (format) =>
    make(
      "a",
      { class: "download", href: resultLink(entry.id, format), download: `${stem}.${format}` },
      make("b", {}, format.toUpperCase()),
      make("span", {}, t(`downloads.${format}`)),
      icon("download"),
    );
  const formats = entry.video ? ["mp4", ...FORMATS] : FORMATS;
  byId("downloads").replaceChildren(...formats.map((format) => make("li", {}, link(format))));
}
