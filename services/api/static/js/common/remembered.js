/** Choices that this browser remembers, as far as it allows storage: private windows may forbid it. */

/**
 * @param {string} key
 * @returns {boolean} whether it was remembered on an earlier visit
 */
export function isRemembered(key) {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    return false;
  }
}

/** @param {string} key to remember */
export function remember(key) {
  try {
    localStorage.setItem(key, "1");
  } catch {
    // The choice is then made on every visit.
  }
}
