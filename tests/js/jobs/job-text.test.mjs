/** The state of a job as the list of videos shows it. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = Object.assign(new EventTarget(), { documentElement: {}, querySelectorAll: () => [] });
const { setLanguage } = await import("../../../services/api/static/js/common/i18n.js");
const { stateText } = await import("../../../services/api/static/js/jobs/text.js");

const text = (ahead) => stateText({ state: "queued", added: 0, ahead });

test("a waiting job shows how many videos are before it, in both languages", () => {
  setLanguage("en");
  assert.equal(text(1), "Waiting; 1 video before yours");
  assert.equal(text(2), "Waiting; 2 videos before yours");
  setLanguage("tr");
  assert.equal(text(2), "Bekliyor; sizinkinden önce 2 video var");
});

test("a job with nothing before it, or with an unknown place, only waits", () => {
  setLanguage("en");
  for (const ahead of [0, null, undefined]) assert.equal(text(ahead), "Waiting in the queue");
});
