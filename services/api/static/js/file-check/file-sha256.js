/** The SHA-256 of a file, computed beside the page. */

/**
 * @param {File} file
 * @returns {Promise<string | null>} in hexadecimal; null where the file cannot be read
 */
export function sha256Of(file) {
  const worker = new Worker(new URL("./sha256-worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
    worker.addEventListener("error", () => resolve(null), { once: true });
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}
