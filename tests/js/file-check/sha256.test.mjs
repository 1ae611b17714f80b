/** The incremental SHA-256. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { Sha256 } from "../../../services/api/static/js/file-check/sha256.js";

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
