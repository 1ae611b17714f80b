/** ZIP archives of several results, and the names of the files in them. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { archiveNames } from "../../../services/api/static/js/list/archive-names.js";
import { zip } from "../../../services/api/static/js/list/zip.js";

const READ = "import json, sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); assert a.testzip() is None; print(json.dumps({i.filename: a.read(i).hex() for i in a.infolist()}))";

/** What Python's zipfile reads from an archive, with every checksum verified. */
function contents(parts) {
  const path = join(mkdtempSync(join(tmpdir(), "zip-")), "files.zip");
  writeFileSync(path, Buffer.concat(parts));
  return JSON.parse(execFileSync("python3", ["-c", READ, path], { encoding: "utf-8" }));
}

test("zipfile reads every file of an archive, with names beyond ASCII and empty files", () => {
  const files = { "Ağaç 木.json": Uint8Array.of(0, 255, 10), "empty.csv": new Uint8Array(), "long.csv": new Uint8Array(70_000).fill(7) };
  const read = contents(zip(Object.entries(files).map(([name, bytes]) => ({ name, bytes }))));
  assert.deepEqual(read, Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")])));
});

test("an archive without files can be read", () => assert.deepEqual(contents(zip([])), {}));

test("more files than an archive can have are an error", () => {
  const bytes = new Uint8Array();
  assert.throws(() => zip(Array.from({ length: 65_536 }, (_, i) => ({ name: `${i}`, bytes }))), RangeError);
});

test("names are those of the videos, distinct also where case is the same", () => {
  assert.deepEqual(archiveNames(["film.mp4", "Film.webm", "film (2).mp4", "other.csv"], "csv"), ["film.csv", "Film (2).csv", "film (2) (2).csv", "other.csv"]);
});

test("no name leaves the folder of the archive or is forbidden by a system", () => {
  assert.deepEqual(archiveNames(["../../etc/passwd", "C:\\a|b?.mp4", "..", "\u0000\u202e.mp4", " .hidden. "], "json"), [
    "_.._etc_passwd.json", "C__a_b_.json", "video.json", "__.json", "hidden.json",
  ]);
});
