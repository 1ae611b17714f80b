/** Cells that were copied from a spreadsheet, and where they go in a table. */

/** Names of the first line of a pasted table by which its lines find their rows. */
const PATHS = ["path", "video", "job_id"];

/** The separator of a text: tabs of a spreadsheet; a semicolon or a comma only in a line that names columns. */
function separatorOf(text, names) {
  const [head] = text.split(/\r?\n/, 1);
  if (head.includes("\t")) return "\t";
  const named = (separator) => head.split(separator).filter((cell) => names.includes(cell.trim().toLowerCase())).length > 1;
  return [";", ","].find(named) ?? "\t";
}

/**
 * Split a text into cells. Quoted cells may contain separators and line breaks, as spreadsheets write them.
 * @param {string} text
 * @param {string[]} names of columns, which tell a table with commas from a text with commas
 * @returns {string[][]} lines of cells
 */
export function cellsOf(text, names = []) {
  const separator = separatorOf(text, names);
  const lines = [[]];
  const cell = new RegExp(`(?:"((?:[^"]|"")*)"|([^\\r\\n${separator}]*))(${separator}|\\r\\n|\\n|\\r|$)`, "gy");
  while (cell.lastIndex < text.length) {
    const [, quoted, plain, end] = cell.exec(text) ?? []; // a quote inside a plain cell is plain text
    if (end === undefined) break;
    lines.at(-1).push((quoted?.replaceAll('""', '"') ?? plain).trim());
    if (end !== separator && cell.lastIndex < text.length) lines.push([]);
    if (end === separator && cell.lastIndex === text.length) lines.at(-1).push("");
  }
  return lines;
}

const stem = (path) => path.split(/[\\/]/).at(-1).toLocaleLowerCase();

/** The row that a line belongs to: by its video, if the table has one, else by its order. */
function rowOf(line, order, place, keys) {
  if (place < 0) return order;
  const wanted = stem(line[place] ?? "");
  return keys.findIndex((key) => key.map(stem).includes(wanted));
}

/** Whether one known name begins a line of names: a table of several lines, whose first has only different names. */
const namesAll = (cells, known) =>
  cells.length > 1 && known.includes(cells[0][0].toLowerCase())
  && new Set(cells[0]).size === cells[0].length && cells[0].every((cell) => cell && !/^[-+\d.,]/.test(cell));

/**
 * Where pasted cells go. A first line with names of columns maps columns by name, and names that are unknown become new columns; a column
 * `path` maps lines to rows. Else the cells fill the table from the focused cell.
 * @param {string[][]} cells
 * @param {{ row: number, column: number }} at focused cell
 * @param {string[]} columns names, in the order of the table
 * @param {string[][]} keys by row: what `path` may call it
 * @returns {{ changes: { row: number, column: string, text: string }[], added: string[], lost: number }} row: an index, which may lie behind
 *   the last row; added: new columns; lost: lines without a row
 */
export function placed(cells, at, columns, keys) {
  const head = cells[0].map((cell) => cell.toLowerCase());
  const known = head.filter((name) => columns.includes(name) || PATHS.includes(name));
  const hasHead = known.length > 1 || namesAll(cells, known);
  if (!hasHead) {
    const changes = cells.flatMap((line, down) =>
      line.map((text, right) => ({ row: at.row + down, column: columns[at.column + right], text })).filter(({ column }) => column));
    return { changes, added: [], lost: 0 };
  }
  const names = cells[0].map((cell, place) => (columns.includes(head[place]) ? head[place] : cell));
  const place = head.findIndex((name) => PATHS.includes(name));
  const lines = cells.slice(1).map((line, order) => ({ line, row: rowOf(line, order, place, keys) }));
  const used = names.map((name, column) => ({ name, column })).filter(({ name, column }) => name && column !== place && !PATHS.includes(head[column]));
  const found = lines.filter(({ row }) => row >= 0);
  const changes = found.flatMap(({ line, row }) => used.map(({ name, column }) => ({ row, column: name, text: line[column] ?? "" })));
  return { changes, added: used.map(({ name }) => name).filter((name) => !columns.includes(name)), lost: lines.length - found.length };
}
