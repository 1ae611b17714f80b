/** Downloads of a result in every format of the server. */

import { getFile, resultLink } from "../api/client.js";
import { byId, icon, make } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { hasEnded, onChange } from "../jobs/jobs.js";
import { stateText } from "../jobs/text.js";
import { annotate, annotatedVideoOf } from "../jobs/uploads.js";

/** How long an object URL stays valid, for the browser to save it. */
const KEPT_MS = 60_000;

/** Extensions that differ from the name of the format; that of mp4 keeps the download from having the name of the video. */
const ENDINGS = { mp4: "annotated.mp4", textgrid: "TextGrid", bids: "bids.zip", blurred: "blurred.mp4" };

const PLAIN = ["csv", "html", "png", "svg", "pdf", "json", "ndjson", "parquet", "vtt", "srt"];

const PROGRAMS = ["eaf", "textgrid", "boris", "bids", "edl", "otio"];

/**
 * @param {string} format
 * @returns {string} the extension of its files, without the point
 */
export const endingOf = (format) => ENDINGS[format] ?? format;

/** Formats of the server, in the order of the lists. */
export const FORMATS = [...PLAIN, ...PROGRAMS];

/** How long a file is awaited that a worker makes after the analyses before it; the server itself waits ten seconds at each call. */
const LONGEST_MS = 3_600_000;

const PAUSE_MS = 1000;

/** Fetch a file. `onWait` is called where a worker still has to make it. */
async function fetchRendered(href, onWait) {
  for (const until = Date.now() + LONGEST_MS; ;) {
    try {
      return await getFile(href);
    } catch (problem) {
      if (problem.code !== "result_not_ready" || Date.now() > until) throw problem;
    }
    onWait();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Fetch the file with the key, which a link cannot send, and save it under the name of the video, which the server does not know. */
async function save(event) {
  const { href, download } = event.currentTarget;
  const of = shown.entry;
  const setNote = (...content) => { if (shown.entry === of) byId("downloads-note").replaceChildren(...content); };
  event.preventDefault();
  setNote(t("downloads.fetching", { name: download }));
  try {
    await shown.settled();
    const url = URL.createObjectURL(await fetchRendered(href, () => setNote(t("downloads.rendering", { name: download }))));
    make("a", { href: url, download }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
    setNote(t("downloads.saved", { name: download }));
  } catch (problem) {
    const withoutEdits = problem.code === "video_not_kept" && make("a", { href: `${href}&edited=false`, download, onclick: save }, t("downloads.without_edits"));
    setNote(errorTitle(problem), ...(withoutEdits ? [". ", withoutEdits] : []));
  }
}

const content = (format, text, symbol) => [make("b", {}, format.toUpperCase()), make("span", {}, text), icon(symbol)];

function link(entry, format, name = entry.name) {
  const stem = name.replace(/\.[^.]*$/, "");
  const where = { href: resultLink(entry.id, format, shown.edited), download: `${stem}.${endingOf(format)}` };
  return make("a", { class: "download", ...where, onclick: save }, ...content(format, t(`downloads.${format}`), "download"));
}

const button = (text, more) => make("button", { class: "download", type: "button", ...more }, ...content("mp4", text, "film"));

/** Version of the edits that downloads have; 0 for the computed result. */
const revision = () => (shown.edited ? shown.version() : 0);

/** Make the annotated video once the edits are saved. */
async function makeAnnotated(entry) {
  await shown.settled();
  if (shown.entry === entry) await annotate(entry, revision()); // otherwise another result is shown meanwhile
}

/** The annotated video with the edits: a link, its progress, or a button to make it. */
function annotatedVideo(entry) {
  const own = entry.video && (revision() === 0 || entry.hasUpload || !entry.file);
  const source = own ? entry : annotatedVideoOf(entry, revision());
  if (source?.video) return link(source, "mp4", entry.name);
  if (source && !hasEnded(source)) return button(t("downloads.making_mp4", { state: stateText(source) }), { disabled: true });
  if (source?.state === "failed") byId("downloads-note").textContent = t("downloads.mp4_failed", { reason: stateText(source) });
  const text = t(entry.file ? "downloads.make_mp4" : "downloads.no_mp4");
  return button(text, { disabled: !entry.file, onclick: () => makeAnnotated(entry) });
}

let shown = null; // { entry, edited, version, settled } of the result whose downloads are shown

/**
 * List the downloads of a result.
 * @param {object} entry
 * @param {{ edited: boolean, version: () => number, settled: () => Promise<void> }} edits edited: whether files have the edits; version: of
 *   the saved ones; settled: resolves when these are saved
 */
export function drawDownloads(entry, { edited, version, settled }) {
  shown = { entry, edited, version, settled };
  byId("downloads-note").textContent = "";
  const links = (formats) => formats.map((format) => link(entry, format));
  const list = (id, items) => byId(id).replaceChildren(...items.map((item) => make("li", {}, item)));
  const covered = entry.blurred ? [link(entry, "blurred")] : [];
  list("downloads", [annotatedVideo(entry), ...covered, ...links(PLAIN)]);
  list("downloads-programs", links(PROGRAMS));
}

/** Draw the annotated video anew after a change of the edits, or of the job that makes it. */
export function redrawAnnotatedVideo() {
  if (!shown || !byId("downloads").isConnected) return;
  const item = byId("downloads").firstElementChild;
  const focused = item?.contains(document.activeElement);
  item?.replaceChildren(annotatedVideo(shown.entry));
  if (focused) item.firstElementChild.focus();
}

/** Update the annotated video of the shown result while it is being made. */
export const startDownloads = () => onChange((changed) => changed.source === shown?.entry.id && redrawAnnotatedVideo());
