/** Calls of the HTTP interface, and what their failures become. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

globalThis.document = new EventTarget();

const { addEdit, findLabels, getEdits, getJobWithTime, getResult, getWindows, Problem, resultLink, undoEdit } = await import("../../../services/api/static/js/api/client.js");

let response = null;
let sent = null; // the last request
globalThis.fetch = async (path, options) => {
  sent = { path, ...options };
  if (response instanceof Error) throw response;
  return response;
};

const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers });

beforeEach(() => { response = null; });

test("a problem keeps code, title, detail and status", async () => {
  response = json({ code: "job_not_found", title: "There is no such job", detail: "It was erased", status: 404 }, 404);
  const failure = await getResult("j").catch((error) => error);
  assert.ok(failure instanceof Problem);
  const { code, title, message, status } = failure;
  assert.deepEqual({ code, title, message, status }, { code: "job_not_found", title: "There is no such job", message: "It was erased", status: 404 });
});

test("without a response the problem is offline, with status 0", async () => {
  response = new TypeError("Failed to fetch");
  await assert.rejects(getResult("j"), { code: "offline", status: 0 });
});

test("a response that is no JSON, as a proxy gives it, is an internal problem with its status", async () => {
  response = new Response("<h1>Bad Gateway</h1>", { status: 502 });
  await assert.rejects(getResult("j"), { code: "internal", status: 502 });
});

test("an aborted call stays an AbortError", async () => {
  response = new DOMException("stopped", "AbortError");
  await assert.rejects(getResult("j"), { name: "AbortError" });
});

test("a job comes with the time of the server's clock", async () => {
  response = json({ job_id: "j" }, 200, { date: "Thu, 01 Jan 2026 00:00:00 GMT" });
  const { job, serverTime } = await getJobWithTime("j");
  assert.deepEqual([job.job_id, serverTime], ["j", Date.UTC(2026, 0, 1)]);
});

test("windows are read line by line, after the video", async () => {
  const lines = [{ type: "video", video: { duration_s: 7 } }, { type: "window", face_id: 1 }];
  response = new Response(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
  assert.deepEqual(await getWindows("j"), { windows: [lines[1]], duration: 7 });
});

test("labels are null where only holders of a key get them", async () => {
  response = json({ code: "unauthorized", title: "A valid API key is needed" }, 401);
  assert.equal(await findLabels(), null);
});

test("ids are escaped in paths", async () => {
  assert.equal(resultLink("a/b", "csv"), "/v1/jobs/a%2Fb/result?format=csv");
});

test("the computed result is requested, and edits apart from it", async () => {
  response = json({});
  await getResult("j");
  assert.equal(sent.path, "/v1/jobs/j/result?edited=false");
  response = json({ version: 2, edits: [] });
  assert.deepEqual(await getEdits("j"), { version: 2, edits: [] });
  assert.equal(sent.path, "/v1/jobs/j/edits");
  assert.equal(resultLink("j", "csv"), "/v1/jobs/j/result?format=csv");
  assert.equal(resultLink("j", "csv", false), "/v1/jobs/j/result?format=csv&edited=false");
});

test("a change of the edits names the version that it is based on", async () => {
  const edit = { op: "rename", face_id: 1, name: "Ann" };
  response = json({ version: 3, edits: [edit] }, 201);
  await addEdit("j", edit, 2);
  assert.deepEqual([sent.method, sent.path, sent.headers["If-Match"], JSON.parse(sent.body)], ["POST", "/v1/jobs/j/edits", '"2"', edit]);
  response = json({ version: 4, edits: [] });
  await undoEdit("j", 3);
  assert.deepEqual([sent.method, sent.path, sent.headers["If-Match"]], ["DELETE", "/v1/jobs/j/edits/last", '"3"']);
  response = json({ code: "edit_conflict", title: "The edits have been changed meanwhile" }, 412);
  await assert.rejects(undoEdit("j", 3), { code: "edit_conflict" });
});
