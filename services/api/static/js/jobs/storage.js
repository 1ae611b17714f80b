/** The records in localStorage, which all tabs share. Private windows may forbid it; the list then lasts until the page closes. */

import { dropPreviews } from "./preview-storage.js";
import { mergeRecords, readRecord } from "./records.js";

const KEY = "duygu.jobs";

function parsed(text) {
  try {
    return (JSON.parse(text) ?? []).map(readRecord).filter(Boolean);
  } catch {
    return [];
  }
}

/** @returns {object[]} the stored records */
export function recall() {
  try {
    return parsed(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/**
 * Store the records of this tab beside those of other tabs.
 * @param {object[]} own
 * @param {Set<string>} removed keys and ids removed from this tab's list
 */
export function store(own, removed) {
  const text = JSON.stringify(mergeRecords(own, recall(), removed));
  try {
    localStorage.setItem(KEY, text);
  } catch {
    dropPreviews();
    try {
      localStorage.setItem(KEY, text);
    } catch {
      // See above.
    }
  }
}

/**
 * Call a listener when another tab has changed the records.
 * @param {(now: object[], before: object[]) => void} listener
 */
export function onStored(listener) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === KEY && newValue !== null) listener(parsed(newValue), parsed(oldValue));
  });
}
