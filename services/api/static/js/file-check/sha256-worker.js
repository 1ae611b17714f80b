/** A worker that hashes a file off the main thread: receives a File, posts its SHA-256, or null for an unreadable file. */

import { Sha256 } from "./sha256.js";

const CHUNK_BYTES = 4 * 2 ** 20;

async function sha256Of(file) {
  const hash = new Sha256();
  for (let from = 0; from < file.size; from += CHUNK_BYTES) {
    hash.update(new Uint8Array(await file.slice(from, from + CHUNK_BYTES).arrayBuffer()));
  }
  return hash.digest();
}

addEventListener("message", async ({ data }) => {
  try {
    postMessage(await sha256Of(data));
  } catch {
    postMessage(null);
  }
});
