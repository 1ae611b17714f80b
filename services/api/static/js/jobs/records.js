/** Records: what is stored of the entries. Pure: neither storage nor page. */

/** Records kept; far more than anybody sends before results expire. */
export const MAX_RECORDS = 1000;

const FIELDS = ["key", "id", "name", "added", "size", "state", "sha256", "faces", "duration", "ended", "expires", "kept", "annotated", "source", "revision"];

/**
 * The part of an entry that is stored.
 * @param {object} entry
 * @returns {object}
 */
export function recordOf(entry) {
  const record = Object.fromEntries(FIELDS.filter((field) => entry[field] !== undefined && entry[field] !== null).map((field) => [field, entry[field]]));
  if (entry.error) {
    const { code, title, status, message, detail = message } = entry.error;
    record.error = { code, title, status, detail };
  }
  return record;
}

/**
 * Read a stored record, perhaps of an earlier version with `id`, `name` and `added` only.
 * @param {unknown} record
 * @returns {object | null} null for anything else
 */
export function readRecord(record) {
  const key = record?.key ?? record?.id;
  if (typeof key !== "string" || typeof record.name !== "string") return null;
  return { state: "queued", added: 0, ...record, key, id: record.id ?? null };
}

/**
 * @param {object} one
 * @param {object} other
 * @returns {boolean} whether both are of one job or of one upload
 */
export const sameRecord = (one, other) => one.key === other.key || Boolean(one.id && one.id === other.id);

/**
 * Merge this tab's records with the stored ones of other tabs.
 * @param {object[]} own
 * @param {object[]} stored
 * @param {Set<string>} removed keys and ids removed from this tab's list
 * @returns {object[]} newest first, at most MAX_RECORDS
 */
export function mergeRecords(own, stored, removed) {
  const others = stored.filter((record) => !removed.has(record.key) && !removed.has(record.id));
  const kept = [];
  const seen = new Set();
  for (const record of [...own, ...others]) {
    if (seen.has(record.key) || (record.id && seen.has(record.id))) continue;
    seen.add(record.key).add(record.id ?? record.key);
    kept.push(record);
  }
  return kept.sort((a, b) => b.added - a.added).slice(0, MAX_RECORDS);
}

/**
 * Names by key that tell entries apart: the second entry of a name gets a (2).
 * @param {object[]} entries
 * @returns {Map<string, string>}
 */
export function distinctNames(entries) {
  const counts = new Map();
  const names = new Map();
  for (const { key, name } of [...entries].sort((a, b) => a.added - b.added)) {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    names.set(key, count > 1 ? `${name} (${count})` : name);
  }
  return names;
}
