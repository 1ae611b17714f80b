/** One CSV table of several results, with the name of each video in its column. */

import { getFile, resultLink } from "../api/client.js";
import { byId, make } from "../common/dom.js";
import { errorTitle } from "../common/i18n.js";

/** How long the object URL stays valid, for the browser to save it. */
const KEPT_MS = 60_000;

const COLUMN = "video";

/** A CSV field (RFC 4180). */
const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * Join tables of the service. The service knows a video by the id of its job; the joint table has its name instead.
 * @param {{ id: string, name: string, csv: string }[]} tables each with the same columns, or with more probabilities
 * @returns {string} CSV with the columns of the first table
 */
export function joinTables(tables) {
  const head = tables[0].csv.slice(0, tables[0].csv.indexOf("\n") + 1);
  const place = head.trim().split(",").indexOf(COLUMN);
  const rows = tables.flatMap(({ id, name, csv }) => {
    const lines = csv.split(/\r?\n/).slice(1).filter(Boolean);
    return lines.map((line) => {
      const fields = line.split(",");
      if (fields[place] === id) fields[place] = field(name);
      return `${fields.join(",")}\r\n`;
    });
  });
  return head + rows.join("");
}

/**
 * Fetch the tables of results and save them as one file.
 * @param {object[]} entries
 * @returns {Promise<void>}
 */
export async function saveJointTable(entries) {
  try {
    const tables = [];
    for (const { id, name } of entries) tables.push({ id, name, csv: await (await getFile(resultLink(id, "csv"))).text() });
    const url = URL.createObjectURL(new Blob([joinTables(tables)], { type: "text/csv" }));
    make("a", { href: url, download: "videos.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
  } catch (problem) {
    byId("job-count").textContent = errorTitle(problem);
  }
}
