/** Previews of results, fetched when their rows come into view. */

import { getWindows } from "../api/client.js";
import { limitConcurrency } from "../common/concurrency.js";
import { previewOf } from "./preview-data.js";
import { recallPreview, storePreview } from "./preview-storage.js";

/** A result may be large; the page needs its connections for other things as well. */
const limited = limitConcurrency(2);

const pending = new Set(); // ids of jobs whose result is being fetched, or could not be

/**
 * @param {string} id of a job that has succeeded
 * @returns {object | null} its preview, if this browser has it
 */
export const cachedPreview = (id) => recallPreview(id);

/**
 * Fetch the preview of a job, once.
 * @param {string} id
 * @returns {Promise<{ preview: object, faces: number, duration: number } | null>} null while it is being fetched, or after a failure
 */
export async function fetchPreview(id) {
  if (pending.has(id)) return null;
  pending.add(id);
  try {
    const { windows, duration } = await limited(() => getWindows(id));
    const preview = previewOf(windows, duration);
    storePreview(id, preview);
    pending.delete(id);
    return { preview, duration, faces: new Set(windows.map((window) => window.face_id)).size };
  } catch {
    return null; // the row goes without until the page is loaded again
  }
}
