/** Pictures fitted into frames of another shape. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { contain } from "../../../services/api/static/js/overlay/contain.js";

test("a picture of another shape is centred between bars", () => {
  assert.deepEqual(contain({ width: 480, height: 640 }, { width: 640, height: 480 }), { scale: 0.75, left: 140, top: 0 });
});
