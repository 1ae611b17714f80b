/** The list in this browser's storage, which all tabs share. Private windows may forbid storage; the list then lasts until the page closes. */

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

export function recall() {
  try {
    return parsed(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/** Other tabs write the same list: what they know is kept, unless this one took it off. */
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

/** Call `listener(now, before)` with the records whenever another tab has changed them. */
export function onStored(listener) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === KEY && newValue !== null) listener(parsed(newValue), parsed(oldValue));
  });
}
