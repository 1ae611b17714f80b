/** The faces after each edit: what an edit leaves alone stays the same object, so that the page need not draw it again. */

import assert from "node:assert/strict";
import { test } from "node:test";

const { commonEdits, History, sameEdit } = await import("../../../services/api/static/js/edits/history.js");

/** A face with a position every tenth of a second, and a window every half. */
const face = (id, start, end) => ({
  face_id: id, start_s: start, end_s: end,
  positions: Array.from({ length: Math.round((end - start) * 10) + 1 }, (_, i) => ({ time_s: Math.round((start + i / 10) * 10) / 10 })),
  windows: Array.from({ length: Math.floor((end - start) * 2) }, (_, i) => ({ start_s: start + i / 2, end_s: start + i / 2 + 0.9 })),
});
const computed = () => ({ faces: [face(1, 0, 5), face(2, 0, 5), face(3, 6, 9)] });
const named = (id, name) => ({ op: "rename", face_id: id, name });

test("an edit changes only its own faces", () => {
  const history = new History(computed());
  const before = history.faces();
  history.set([named(1, "Ann")]);
  const after = history.faces();
  assert.equal(after[0].name, "Ann");
  assert.equal(after[1], before[1]);
  assert.equal(after[2], before[2]);
});

test("undoing an edit gives the same faces as before it", () => {
  const history = new History(computed());
  const before = history.faces();
  history.set([{ op: "merge", face_id: 3, into: 1 }, { op: "exclude", face_id: 1, start_s: 1, end_s: 2 }]);
  assert.deepEqual(history.faces().map(({ face_id: id }) => id), [1, 2]);
  assert.deepEqual(history.faces()[0].excluded_spans, [[1, 2]]);
  history.set([]);
  history.faces().forEach((one, i) => assert.equal(one, before[i]));
});

test("the parts of a split are separated until it is undone", () => {
  const history = new History(computed());
  const split = { op: "split", face_id: 1, at_s: 2.5 };
  history.set([named(2, "Bo"), split, { op: "split", face_id: 3, at_s: 99 }, { op: "split", face_id: 4, at_s: 4 }]);
  assert.deepEqual(history.separated, [[1, 4], [4, 5]]);
  history.set([named(2, "Bo")]);
  assert.deepEqual(history.separated, []);
});

test("an edit that does not apply is skipped and returned", () => {
  const history = new History(computed());
  const bad = { op: "merge", face_id: 2, into: 1 };
  assert.deepEqual(history.set([bad, named(2, "Bo")]), [bad]);
  assert.equal(history.faces()[1].name, "Bo");
  assert.throws(() => history.check(bad), { code: "faces_overlap", values: { time: 0 } });
  assert.throws(() => history.checkMerge(2, 1), { code: "faces_overlap" });
});

test("a fault of the page is no refusal", () => {
  assert.throws(() => new History(computed()).set([{ op: "exclude", get face_id() { throw new TypeError("fault"); } }]), TypeError);
});

test("edits are the same where their fields are, and null counts as left out", () => {
  assert.ok(sameEdit({ op: "exclude", face_id: 1 }, { op: "exclude", face_id: 1, start_s: null, end_s: null }));
  assert.ok(!sameEdit(named(1, "Ann"), named(1, "Bo")));
  assert.equal(commonEdits([named(1, "Ann"), named(2, "Bo")], [named(1, "Ann"), named(2, "Cleo")]), 1);
});
