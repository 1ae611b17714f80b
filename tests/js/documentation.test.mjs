/** Comments of the pages' modules. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const JS = fileURLToPath(new URL("../../services/api/static/js/", import.meta.url));

const modules = readdirSync(JS, { recursive: true }).filter((name) => name.endsWith(".js") && !name.startsWith("locales") && !name.endsWith("theme.js"));

/** Exported functions of a module: { name, hasParameters, comment }, the comment null where there is none. */
function exportsOf(source) {
  const lines = source.split("\n");
  return lines.flatMap((line, i) => {
    const [, name, rest] = /^export (?:async )?(?:function\*? |const )(\w+)(.*)/.exec(line) ?? [];
    if (!name || (/^ = /.test(rest) && !/^ = (async )?\(/.test(rest))) return [];
    const before = lines.slice(0, i).join("\n");
    const comment = before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : null;
    return [{ name, hasParameters: !/^(?: = (?:async )?)?\(\)/.test(rest), comment }];
  });
}

for (const module of modules) {
  const source = readFileSync(join(JS, module), "utf8");

  test(`${module} says what it is for`, () => {
    assert.match(source, /^\/\*\*/);
  });

  test(`the exported functions of ${module} have comments with the types of their parameters`, () => {
    for (const { name, hasParameters, comment } of exportsOf(source)) {
      assert.ok(comment, `${name} has no comment`);
      if (hasParameters) assert.match(comment, /@param \{/, name);
    }
  });
}
