/** One CSV table of several results, with the name of each video in its column. Pure. */

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
