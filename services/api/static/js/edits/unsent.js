/** Changes that the server has not confirmed, by job in sessionStorage: they outlast a reload of the tab. */

const PREFIX = "duygu.unsent.";

/**
 * @param {string} id of a job
 * @returns {{ saved: object, waiting: object[] } | null} the changes, and the edits that they were based on
 */
export function recallUnsent(id) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + id));
  } catch {
    return null;
  }
}

/**
 * @param {string} id of a job
 * @param {{ saved: object, waiting: object[] }} unsent nothing is kept without waiting changes
 */
export function storeUnsent(id, unsent) {
  try {
    if (unsent.waiting.length) sessionStorage.setItem(PREFIX + id, JSON.stringify(unsent));
    else sessionStorage.removeItem(PREFIX + id);
  } catch {
    // Private windows may forbid storage; the changes then last until the page closes.
  }
}
