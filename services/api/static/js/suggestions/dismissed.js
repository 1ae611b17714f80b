/** Suggestions that this person dismissed, by job in localStorage. */

const KEY = "duygu.dismissed";

/** Jobs that are remembered; the oldest is forgotten first. */
const MOST_JOBS = 200;

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

const pairOf = ({ face_id: id, into }) => `${Math.min(id, into)}-${Math.max(id, into)}`;

const memory = new Set(); // where storage is forbidden

/**
 * @param {string} job id
 * @param {{ face_id: number, into: number }} suggestion
 */
export function dismiss(job, suggestion) {
  memory.add(`${job} ${pairOf(suggestion)}`);
  const all = recall();
  const { [job]: pairs = [], ...others } = all;
  const kept = Object.entries(others).slice(-(MOST_JOBS - 1));
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries([...kept, [job, [...pairs, pairOf(suggestion)]]])));
  } catch {
    // Private windows may forbid storage; it is remembered until the page closes.
  }
}

/**
 * @param {string} job id
 * @returns {(suggestion: { face_id: number, into: number }) => boolean} whether a suggestion was dismissed
 */
export function dismissedOf(job) {
  const pairs = new Set(recall()[job]);
  return (suggestion) => pairs.has(pairOf(suggestion)) || memory.has(`${job} ${pairOf(suggestion)}`);
}
