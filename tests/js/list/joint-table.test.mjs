/** One table of several results. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = Object.assign(new EventTarget(), { documentElement: {}, querySelectorAll: () => [] });

const { joinTables } = await import("../../../services/api/static/js/list/joint-table.js");

const HEAD = "face_id,start_s,video,name\r\n";

test("tables share one head, and rows have the name of their video", () => {
  const tables = [
    { id: "0a", name: "a.mp4", csv: `${HEAD}1,0.0,0a,Ann\r\n2,0.5,0a,\r\n` },
    { id: "0b", name: 'b, "final".mp4', csv: `${HEAD}1,0.0,0b,\r\n` },
  ];
  assert.equal(joinTables(tables), `${HEAD}1,0.0,a.mp4,Ann\r\n2,0.5,a.mp4,\r\n1,0.0,"b, ""final"".mp4",\r\n`);
});

test("a result without faces adds no row", () => {
  assert.equal(joinTables([{ id: "0a", name: "a.mp4", csv: HEAD }]), HEAD);
});
