/** The header of a live frame. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = new EventTarget();

const { pack } = await import("../../../services/api/static/js/camera/session.js");

test("the header is big-endian: magic, version, three zero bytes, number, microseconds; the picture follows", () => {
  const message = pack(Uint8Array.of(1, 2, 3).buffer, 7, 1234.5678);
  const view = new DataView(message.buffer);
  assert.equal(message.length, 23);
  assert.equal(new TextDecoder().decode(message.subarray(0, 4)), "DYGU");
  assert.deepEqual([...message.subarray(4, 8)], [1, 0, 0, 0]);
  assert.equal(view.getUint32(8), 7);
  assert.equal(view.getBigUint64(12), 1_234_568n);
  assert.deepEqual([...message.subarray(20)], [1, 2, 3]);
});

test("a capture time of many days is kept to the microsecond", () => {
  const message = pack(new ArrayBuffer(0), 1, 1e10);
  assert.equal(new DataView(message.buffer).getBigUint64(12), 10_000_000_000_000n);
});
