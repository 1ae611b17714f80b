/** The person's own file for a result: whether it is the one that was analysed, and what to say where it is not. */

import { getJob } from "../api/client.js";
import { byteCount, clock, t } from "../common/i18n.js";
import { differenceOf } from "./difference.js";

/** What is known of the analysed file: of the picture by the result, of the bytes by the job, while the server has it. */
async function analysedFile(id, { width, height, duration_s: duration }) {
  try {
    const { size_bytes: sizeBytes, sha256 } = await getJob(id);
    return { sizeBytes, sha256, width, height, duration };
  } catch {
    return { width, height, duration };
  }
}

/** The SHA-256 of a file in hexadecimal, computed by a worker; null where the file cannot be read. */
function sha256Of(file) {
  const worker = new Worker(new URL("./sha256-worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
    worker.addEventListener("error", () => resolve(null), { once: true });
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}

/** What a difference says, in the language that is chosen when it is called. */
function describe(difference, found, wanted) {
  const size = ({ width, height }) => `${width} × ${height}`;
  switch (difference) {
    case "size":
      return () => t("stage.other_size", { found: byteCount(found.sizeBytes), wanted: byteCount(wanted.sizeBytes) });
    case "picture":
      return () => t("stage.other_picture", { found: size(found), wanted: size(wanted) });
    case "length":
      return () => t("stage.other", { found: clock(found.duration), wanted: clock(wanted.duration) });
    default:
      return () => t("stage.other_content");
  }
}

/**
 * Compare a file with the one that was analysed: by size at once, then by content or, where the server does not know that
 * any more, by the picture that `played()` resolves to as { width, height, duration }. Calls `likely()` once the size agrees.
 * Resolves to null where the file is the same, else to a function that says what differs.
 */
export async function compareFile(file, { id, video }, { onSameSize, readVideo }) {
  const wanted = await analysedFile(id, video);
  let found = { sizeBytes: file.size };
  let difference = differenceOf(found, wanted);
  if (!difference) {
    onSameSize();
    if (wanted.sha256) {
      difference = (await sha256Of(file)) === wanted.sha256 ? null : "content";
    } else {
      found = { ...found, ...(await readVideo()) };
      difference = differenceOf(found, wanted);
    }
  }
  return difference && describe(difference, found, wanted);
}
