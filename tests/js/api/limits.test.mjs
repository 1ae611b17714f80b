/** Limits of an upload and the expiry of results. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = Object.assign(new EventTarget(), { documentElement: {}, querySelectorAll: () => [] });
globalThis.fetch = async () => new Response(JSON.stringify({ max_upload_bytes: 1000, max_duration_s: 3600, max_pixels: 8_294_400, result_ttl_s: 60 }));

const { expiryOf, limits, loadLimits, refusal } = await import("../../../services/api/static/js/api/limits.js");
const { remedyFor } = await import("../../../services/api/static/js/jobs/text.js");

test("before the limits are loaded every file is accepted, and no expiry or bound is claimed", () => {
  assert.equal(limits(), null);
  assert.equal(refusal({ size: 1e12 }), null);
  assert.equal(expiryOf({ ended: 5 }), null);
  assert.equal(remedyFor({ code: "too_long" }), null);
});

test("a file above the limit is refused as the server would, and one at the limit is accepted", async () => {
  await loadLimits();
  assert.equal(refusal({ size: 1000 }), null);
  const { code, status } = refusal({ size: 1001 });
  assert.deepEqual([code, status], ["too_large", 413]);
});

test("the expiry is the job's, else the end of the job plus the retention", () => {
  assert.equal(expiryOf({ expires: 9, ended: 5 }), 9);
  assert.equal(expiryOf({ ended: 5 }), 60_005);
});

test("remedies contain the limits of the server", () => {
  assert.match(remedyFor({ code: "too_long" }), /1 hour/);
  assert.match(remedyFor({ code: "too_many_pixels" }), /8\.3 million/);
  assert.equal(remedyFor({ code: "too_large" }), null); // the size of the file is unknown
  assert.match(remedyFor({ code: "too_large" }, { found: "2 kB" }), /2 kB/);
});
