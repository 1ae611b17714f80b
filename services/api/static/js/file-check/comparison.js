/** Whether a chosen file is the one that was analysed, and what differs where it is not. */

import { getJob } from "../api/client.js";
import { byteCount, clock, t } from "../common/i18n.js";
import { differenceOf } from "./difference.js";
import { sha256Of } from "./file-sha256.js";

/** Facts of the analysed file: picture and duration from the result, size and digest from the job while the server has it. */
async function analysedFile(id, { width, height, duration_s: duration }) {
  try {
    const { size_bytes: sizeBytes, sha256 } = await getJob(id);
    return { sizeBytes: sizeBytes || undefined, sha256, width, height, duration }; // a result made elsewhere has no upload
  } catch {
    return { width, height, duration };
  }
}

/** A function that describes a difference in the language chosen when it is called. */
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
 * Compare a file with the one that was analysed: size first, then the SHA-256, or picture size and duration where the server no
 * longer knows the digest.
 * @param {File} file
 * @param {{ id: string, video: object }} analysed id of the job, and `video` of its result
 * @param {{ onSameSize: () => void, readVideo: () => Promise<{ width: number, height: number, duration: number }> }} callbacks
 *   onSameSize: called once the sizes agree; readVideo: measures the chosen file in pixels and seconds
 * @returns {Promise<(() => string) | null>} null for the same file, else a function that describes the difference in the chosen language
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
