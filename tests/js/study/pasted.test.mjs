/** Cells of a spreadsheet, and where they go in the table of a study. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { COLUMNS } from "../../../services/api/static/js/study/content.js";
import { cellsOf, placed } from "../../../services/api/static/js/study/pasted.js";

test("a spreadsheet separates cells by tabs and quotes those with line breaks", () => {
  assert.deepEqual(cellsOf('a\tb\r\n"two\nlines"\t"say ""hi"""\r\n\t'), [["a", "b"], ["two\nlines", 'say "hi"'], ["", ""]]);
  assert.deepEqual(cellsOf('5" film\tx'), [['5" film', "x"]]);
  assert.deepEqual(cellsOf("one, two\nthree"), [["one, two"], ["three"]]);
});

test("commas and semicolons separate cells where the first line names columns", () => {
  assert.deepEqual(cellsOf("participant;group\nP1;A", COLUMNS), [["participant", "group"], ["P1", "A"]]);
  assert.deepEqual(cellsOf("Participant,age,group\nP1,31,A", COLUMNS)[1], ["P1", "31", "A"]);
});

test("without names, cells fill the table from the focused one, and none beyond its columns", () => {
  const { changes, added, lost } = placed([["A", "film"], ["B", "x"]], { row: 1, column: 6 }, COLUMNS, [["a"], ["b"], ["c"]]);
  assert.deepEqual(changes, [
    { row: 1, column: "baseline", text: "A" },
    { row: 1, column: "face", text: "film" },
    { row: 2, column: "baseline", text: "B" },
    { row: 2, column: "face", text: "x" },
  ]);
  assert.deepEqual([added, lost], [[], 0]);
  assert.deepEqual(placed([["1", "2"]], { row: 0, column: 7 }, COLUMNS, [["a"]]).changes, [{ row: 0, column: "face", text: "1" }]);
});

test("names of columns map columns by name and lines by video, in any order", () => {
  const cells = [["path", "Participant", "Age"], ["rec/B.mp4", "P2", "27"], ["x.mp4", "P9", ""], ["rec/a.mp4", "P1", "31"]];
  const { changes, added, lost } = placed(cells, { row: 0, column: 0 }, COLUMNS, [["a.mp4", "1"], ["b.mp4", "2"]]);
  assert.deepEqual(changes, [
    { row: 1, column: "participant", text: "P2" },
    { row: 1, column: "Age", text: "27" },
    { row: 0, column: "participant", text: "P1" },
    { row: 0, column: "Age", text: "31" },
  ]);
  assert.deepEqual([added, lost], [["Age"], 1]);
});

test("one value of many lines fills a column, also below its own name", () => {
  assert.deepEqual(placed([["group"], ["A"], ["B"]], { row: 1, column: 0 }, COLUMNS, [["a"], ["b"]]).changes, [
    { row: 0, column: "group", text: "A" },
    { row: 1, column: "group", text: "B" },
  ]);
});

test("one known name before others begins a table; a value that is called like a column does not", () => {
  const keys = [["a.mp4"], ["b.mp4"]];
  const { changes, added } = placed([["video", "age"], ["b.mp4", "27"]], { row: 0, column: 2 }, COLUMNS, keys);
  assert.deepEqual([changes, added], [[{ row: 1, column: "age", text: "27" }], ["age"]]);
  assert.deepEqual(placed([["participant", "Age", "IQ"], ["P1", "31", "99"]], { row: 0, column: 0 }, COLUMNS, keys).added, ["Age", "IQ"]);
  const data = [["video", "0.5"], ["film", ""]];
  assert.deepEqual(placed(data, { row: 0, column: 2 }, COLUMNS, keys).changes[0], { row: 0, column: "stimulus", text: "video" });
});
