/** Sketches by job, kept in this browser so that a result is fetched once for its preview. */

const PREFIX = "duygu.sketch.";

/** What was read or written before, as rows are drawn often; all there is where storage is forbidden or full. */
const memory = new Map();

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

export function storePreview(id, preview) {
  memory.set(id, preview);
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify(preview));
  } catch {
    // It is fetched again on the next visit.
  }
}

export function dropPreview(id) {
  memory.delete(id);
  try {
    localStorage.removeItem(PREFIX + id);
  } catch {
    // Nothing was stored then.
  }
}

/** Forget all, or all but those of the jobs `kept`. */
export function dropPreviews(kept = new Set()) {
  try {
    const ids = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
    for (const id of ids) if (!kept.has(id)) dropPreview(id);
  } catch {
    // Nothing was stored then.
  }
}
