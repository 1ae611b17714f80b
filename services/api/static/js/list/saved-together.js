/** Several results saved as one file: a CSV table of all, or a ZIP archive with a file of each. */

import { getFile, resultLink } from "../api/client.js";
import { byId, make } from "../common/dom.js";
import { errorTitle, t } from "../common/i18n.js";
import { endingOf } from "../result/downloads.js";
import { archiveNames } from "./archive-names.js";
import { joinTables } from "./joint-table.js";
import { zip } from "./zip.js";

/** How long the object URL stays valid, for the browser to save it. */
const KEPT_MS = 60_000;

function save(parts, type, download) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  make("a", { href: url, download }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

const note = (text) => { byId("job-count").textContent = text; };

/** Fetch a file of each result, one after the other, and report how many are there. */
async function fetchEach(entries, format) {
  const files = [];
  for (const entry of entries) {
    note(t("jobs.bulk_fetching", { number: files.length + 1, count: entries.length }));
    files.push(await getFile(resultLink(entry.id, format)));
  }
  return files;
}

/** Show an error in place of the number of selected videos. */
async function reporting(entries, saveAll) {
  try {
    await saveAll();
    note(t("jobs.picked", { count: entries.length }));
  } catch (problem) {
    note(problem instanceof RangeError ? t("jobs.bulk_too_large") : errorTitle(problem));
  }
}

/**
 * Save the tables of results as one CSV file.
 * @param {object[]} entries
 * @returns {Promise<void>}
 */
export const saveJointTable = (entries) =>
  reporting(entries, async () => {
    const files = await fetchEach(entries, "csv");
    const tables = await Promise.all(entries.map(async ({ id, name }, i) => ({ id, name, csv: await files[i].text() })));
    save([joinTables(tables)], "text/csv", "videos.csv");
  });

/**
 * Save a file of each result in one ZIP archive, under the names of the videos.
 * @param {object[]} entries
 * @param {string} format a format of the server
 * @returns {Promise<void>}
 */
export const saveArchive = (entries, format) =>
  reporting(entries, async () => {
    const names = archiveNames(entries.map(({ name }) => name), endingOf(format));
    const files = await fetchEach(entries, format);
    const bytes = await Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())));
    save(zip(names.map((name, i) => ({ name, bytes: bytes[i] }))), "application/zip", "videos.zip");
  });
