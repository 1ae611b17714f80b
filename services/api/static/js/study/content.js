/** The content of a study as the page changes it: rows, markers and settings. */

/** Columns of every study, in the order of the table. */
export const COLUMNS = ["participant", "group", "stimulus", "offset_s", "start_s", "end_s", "baseline", "face"];

export const MARKER_COLUMNS = ["name", "time_s", "duration_s", "stimulus", "participant"];

/** Settings that the page offers, with the defaults of the service. */
export const SETTINGS = { up: 0.2, down: 0.18, min_length_s: 0.5, gap_s: 0.5, around_s: 2, step_s: 0.5 };

export const MAX_ROWS = 500;

/**
 * The content of a study that the service returned, without what the service adds.
 * @param {object} study
 * @returns {{ title: string, rows: object[], markers: object[], settings: object }}
 */
export function contentOf({ title, rows, markers, settings }) {
  const chosen = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
  return structuredClone({ title, rows, markers, settings: chosen });
}

/**
 * @param {object[]} rows
 * @returns {string[]} names of the further columns, in their order
 */
export const freeColumns = (rows) => [...new Set(rows.flatMap((row) => Object.keys(row.free)))];

/**
 * @param {object} row of a study or a marker
 * @param {string} column
 * @returns {string}
 */
export const cellOf = (row, column) => (column in row && column !== "free" ? row[column] : (row.free?.[column] ?? ""));

/**
 * Change a cell in place.
 * @param {object} row
 * @param {string} column
 * @param {string} text
 */
export function setCell(row, column, text) {
  if (column in row && column !== "free") row[column] = text;
  else if (row.free) row.free[column] = text;
}

/**
 * @param {string} jobId
 * @param {string} participant
 * @param {string[]} free names of further columns
 * @returns {object} a row
 */
export const newRow = (jobId, participant = "", free = []) => ({
  job_id: jobId,
  ...Object.fromEntries(COLUMNS.map((name) => [name, ""])),
  participant,
  free: Object.fromEntries(free.map((name) => [name, ""])),
});

/** @returns {object} an empty marker */
export const newMarker = () => Object.fromEntries(MARKER_COLUMNS.map((name) => [name, ""]));
