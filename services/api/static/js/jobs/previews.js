/** Sketches of results, fetched when their rows come into sight. */

import { getWindows } from "../api/client.js";
import { limiter } from "../common/concurrency.js";
import { sketchOf } from "./preview-data.js";
import { recallSketch, storeSketch } from "./preview-storage.js";

/** A result may be large; the page needs its connections for other things as well. */
const inTurn = limiter(2);

const pending = new Set(); // ids of jobs whose result is being fetched, or could not be

/** The sketch of a job that has succeeded, where this browser has it. */
export const knownSketch = (id) => recallSketch(id);

/** Fetch the sketch of a job once; resolves to { sketch, faces, duration } or null. */
export async function fetchSketch(id) {
  if (pending.has(id)) return null;
  pending.add(id);
  try {
    const { windows, duration } = await inTurn(() => getWindows(id));
    const sketch = sketchOf(windows, duration);
    storeSketch(id, sketch);
    pending.delete(id);
    return { sketch, duration, faces: new Set(windows.map((window) => window.face_id)).size };
  } catch {
    return null; // the row goes without until the page is loaded again
  }
}
