/** Recordings of live sessions by job in IndexedDB: they stay in this browser until the job is removed from its list. */

const DATABASE = "duygu";
const STORE = "recordings";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Run one request on the store; null where the browser forbids storage, or has no room. */
async function run(mode, action) {
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await settled(opening);
    const outcome = await settled(action(database.transaction(STORE, mode).objectStore(STORE)));
    database.close();
    return outcome ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {string} id of a job
 * @param {File} file
 * @returns {Promise<void>}
 */
export const storeRecording = (id, file) => run("readwrite", (store) => store.put(file, id));

/**
 * @param {string} id of a job
 * @returns {Promise<File | null>} its recording; null without one
 */
export const recallRecording = (id) => run("readonly", (store) => store.get(id));

/**
 * @param {string} id of a job
 * @returns {Promise<void>}
 */
export const dropRecording = (id) => run("readwrite", (store) => store.delete(id));
