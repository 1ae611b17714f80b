/** Differences between a chosen file and the analysed one. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { differenceOf } from "../../../services/api/static/js/file-check/difference.js";

test("size, picture and length tell files apart, and what is unknown does not", () => {
  const analysed = { sizeBytes: 1000, width: 640, height: 480, duration: 10 };
  assert.equal(differenceOf({ ...analysed }, analysed), null);
  assert.equal(differenceOf({ ...analysed, sizeBytes: 1001 }, analysed), "size");
  assert.equal(differenceOf({ ...analysed, height: 360 }, analysed), "picture");
  assert.equal(differenceOf({ ...analysed, duration: 12 }, analysed), "length");
  assert.equal(differenceOf({ sizeBytes: 1000 }, analysed), null);
  assert.equal(differenceOf({ ...analysed, duration: NaN }, { width: 641, height: 480, duration: 10.5 }), null);
});
