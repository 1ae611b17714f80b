/** Previews by job in localStorage, so that a result is fetched once for its preview. */

const PREFIX = "duygu.sketch.";

/** Cache, as rows are drawn often; the only copy where storage is forbidden or full. */
const memory = new Map();

/**
 * @param {string} id of a job
 * @returns {object | null} its stored preview
 */
export function recallPreview(id) {
  if (!memory.has(id)) memory.set(id, stored(id));
  return memory.get(id);
}

function stored(id) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + id));
  } catch {
    return null;
  }
}

/**
 * @param {string} id of a job
 * @param {object} preview
 */
export function storePreview(id, preview) {
  memory.set(id, preview);
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify(preview));
  } catch {
    // It is fetched again on the next visit.
  }
}

/** @param {string} id of a job */
export function dropPreview(id) {
  memory.delete(id);
  try {
    localStorage.removeItem(PREFIX + id);
  } catch {
    // Nothing was stored then.
  }
}

/**
 * Drop all previews, or all but those of the jobs `kept`.
 * @param {Set<string>} kept ids
 */
export function dropPreviews(kept = new Set()) {
  try {
    const ids = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
    for (const id of ids) if (!kept.has(id)) dropPreview(id);
  } catch {
    // Nothing was stored then.
  }
}
