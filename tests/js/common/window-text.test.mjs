/** A window in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { windowEmotionText, windowText } from "../../../services/api/static/js/common/window-text.js";

test("a certain window is its emotion and confidence", () => {
  assert.equal(windowText({ emotion: "neutral", confidence: 0.75, uncertain: false }), "neutral 75%");
  assert.equal(windowEmotionText({ emotion: "neutral", uncertain: false }), "neutral");
});

test("an uncertain window is marked as such", () => {
  assert.equal(windowText({ emotion: "fear", confidence: 0.45, uncertain: true }), "uncertain (fear 45%)");
  assert.equal(windowEmotionText({ emotion: "fear", uncertain: true }), "uncertain (fear)");
});
