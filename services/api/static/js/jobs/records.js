/** What is kept of the list from visit to visit, as plain records. Pure: neither storage nor page. */

/** Records kept; far beyond what anybody sends in the life of a result. */
export const MAX_RECORDS = 1000;

const FIELDS = ["key", "id", "name", "added", "size", "state", "sha256", "faces", "duration", "ended", "expires", "annotated", "source"];

/** An entry of the list as a record; an error without what only a running page needs. */
export function recordOf(entry) {
  const record = Object.fromEntries(FIELDS.filter((field) => entry[field] !== undefined && entry[field] !== null).map((field) => [field, entry[field]]));
  if (entry.error) {
    const { code, title, status, message, detail = message } = entry.error;
    record.error = { code, title, status, detail };
  }
  return record;
}

/** A record that may be an earlier version's, which had `id`, `name` and `added` alone; null for anything else. */
export function readRecord(record) {
  const key = record?.key ?? record?.id;
  if (typeof key !== "string" || typeof record.name !== "string") return null;
  return { state: "queued", added: 0, ...record, key, id: record.id ?? null };
}

/** Whether two records are of one job or of one upload. */
export const sameRecord = (one, other) => one.key === other.key || Boolean(one.id && one.id === other.id);

/**
 * The records to keep: this tab's own, and those of other tabs that it does not know. The newest come first.
 *
 * removed  keys and ids of what was taken off this tab's list
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

/** Names under which entries can be told apart: the second of a name, in the order in which they were added, gets a (2). */
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
