/** The import graph of the pages' modules, read from their source. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const STATIC = fileURLToPath(new URL("../../services/api/static/", import.meta.url));
const JS = join(STATIC, "js");
const MOST_SIBLINGS = 15;

const modules = readdirSync(JS, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
  .map((entry) => relative(JS, join(entry.parentPath ?? entry.path, entry.name)));

/** Static imports, dynamic ones, and the modules that workers run. */
const IMPORT = /(?:^import\s[^;]*?from\s+|^import\s+|^export\s[^;]*?from\s+|\bimport\(|new URL\()"(\.[^"]+)"/gm;

const sourceOf = (module) => readFileSync(join(JS, module), "utf8");
const importsOf = (module) => [...sourceOf(module).matchAll(IMPORT)].map(([, path]) => relative(JS, resolve(JS, dirname(module), path)));

const graph = new Map(modules.map((module) => [module, importsOf(module)]));

/** Modules that the HTML documents load by themselves. */
const scripts = readdirSync(STATIC)
  .filter((name) => name.endsWith(".html"))
  .flatMap((name) => [...readFileSync(join(STATIC, name), "utf8").matchAll(/<script[^>]* src="\/static\/js\/([^"]+)"/g)].map(([, path]) => path));

/** A path of nodes that ends where it began, or null. */
function circle(edges) {
  const done = new Set();
  const visit = (node, path) => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of edges.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found) return found;
    }
    done.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const found = visit(node, []);
    if (found) return found;
  }
  return null;
}

test("a circle is found where there is one", () => {
  assert.equal(circle(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]])), null);
  assert.deepEqual(circle(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), ["b", "c", "b"]);
});

test("every import leads to a file", () => {
  const missing = [...graph].flatMap(([module, imports]) => imports.filter((path) => !graph.has(path)).map((path) => `${module} imports ${path}`));
  assert.deepEqual(missing, []);
});

test("no module imports itself through others", () => {
  assert.equal(circle(graph), null);
});

test("no folder imports itself through others", () => {
  const folders = new Map();
  for (const [module, imports] of graph) {
    const from = dirname(module);
    const others = imports.map((path) => dirname(path)).filter((folder) => folder !== from);
    folders.set(from, new Set([...(folders.get(from) ?? []), ...others]));
  }
  assert.equal(circle(folders), null);
});

test("the documents load files that exist, and every module is loaded by one of them", () => {
  for (const script of scripts) assert.ok(existsSync(join(JS, script)), script);
  const loaded = new Set();
  const visit = (module) => {
    if (loaded.has(module)) return;
    loaded.add(module);
    graph.get(module).forEach(visit);
  };
  scripts.forEach(visit);
  assert.deepEqual(modules.filter((module) => !loaded.has(module)), []);
});

test("a folder has at most fifteen modules, and none lies beside the folders", () => {
  const counts = new Map();
  for (const module of modules) counts.set(dirname(module), (counts.get(dirname(module)) ?? 0) + 1);
  for (const [folder, count] of counts) assert.ok(count <= MOST_SIBLINGS, `${folder} has ${count} modules`);
  assert.ok(!counts.has("."));
});
