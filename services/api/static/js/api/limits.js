/** What the server takes, and for how long it keeps results. */

import { getLimits, Problem } from "./client.js";

let known = null; // as GET /v1/limits gives it

export const limits = () => known;

export async function loadLimits() {
  known = await getLimits();
}

/** Why the server would refuse a file, as its own problem; null where it may take it. It saves sending what is too large. */
export function refusal(file) {
  if (!known || file.size <= known.max_upload_bytes) return null;
  return new Problem({ code: "too_large", title: "The upload is too large", status: 413 });
}

/** When a result is erased, in ms since 1970: as the job says it, or by when it `ended`; null while unknown. */
export const expiryOf = ({ expires, ended }) => expires ?? (ended && known ? ended + known.result_ttl_s * 1000 : null);
