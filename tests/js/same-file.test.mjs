/** Telling a chosen file from the analysed one. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { contain } from "../../services/api/static/js/overlay/contain.js";
import { differenceOf } from "../../services/api/static/js/file-check/difference.js";
import { Sha256 } from "../../services/api/static/js/file-check/sha256.js";

const bytes = (count) => Uint8Array.from({ length: count }, (_, i) => (i * 31 + (i >> 8)) & 255);
const digest = (data) => createHash("sha256").update(data).digest("hex");

test("the hash is that of node's own implementation, for every length around the block size", () => {
  for (let count = 0; count < 200; count += 1) {
    assert.equal(new Sha256().update(bytes(count)).digest(), digest(bytes(count)), `${count} bytes`);
  }
});

test("the hash does not depend on how the bytes are cut into pieces", () => {
  const data = bytes(100_000);
  for (const piece of [1, 7, 63, 64, 65, 4096, 99_999]) {
    const hash = new Sha256();
    for (let from = 0; from < data.length; from += piece) hash.update(data.subarray(from, from + piece));
    assert.equal(hash.digest(), digest(data), `pieces of ${piece}`);
  }
});

test("size, picture and length tell files apart, and what is unknown does not", () => {
  const analysed = { sizeBytes: 1000, width: 640, height: 480, duration: 10 };
  assert.equal(differenceOf({ ...analysed }, analysed), null);
  assert.equal(differenceOf({ ...analysed, sizeBytes: 1001 }, analysed), "size");
  assert.equal(differenceOf({ ...analysed, height: 360 }, analysed), "picture");
  assert.equal(differenceOf({ ...analysed, duration: 12 }, analysed), "length");
  assert.equal(differenceOf({ sizeBytes: 1000 }, analysed), null);
  assert.equal(differenceOf({ ...analysed, duration: NaN }, { width: 641, height: 480, duration: 10.5 }), null);
});

test("a picture of another shape is centred between bars", () => {
  assert.deepEqual(contain({ width: 480, height: 640 }, { width: 640, height: 480 }), { scale: 0.75, left: 140, top: 0 });
});
