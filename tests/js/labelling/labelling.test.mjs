/** Labels of a rater: setting, merging, saving. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ANSWER_KEYS, answerTo, merged, nextOpen, timeLeft, withLabel, without } from "../../../services/api/static/js/labelling/answers.js";
import { Moments } from "../../../services/api/static/js/labelling/moments.js";
import { Saving } from "../../../services/api/static/js/labelling/saving.js";
import { Stretches } from "../../../services/api/static/js/labelling/stretches.js";

const label = (face_id, start_s, end_s, emotion) => ({ face_id, start_s, end_s, emotion });
const moments = [label(1, 0, 1), label(2, 0, 1), label(1, 2, 3)].map(({ face_id, start_s, end_s }) => ({ face_id, start_s, end_s }));
const faces = [{ face_id: 1, start_s: 0, end_s: 10, positions: [] }, { face_id: 2, start_s: 0, end_s: 4, positions: [] }];
const draftOf = (labels = []) => ({ task: { moments, faces, video: { duration_s: 10 }, estimated_s: 18 }, labels, base: labels, version: null });

test("seven emotions and cannot_tell have a key each", () => {
  assert.deepEqual([...ANSWER_KEYS.keys()], ["1", "2", "3", "4", "5", "6", "7", "0"]);
  assert.equal(new Set(ANSWER_KEYS.values()).size, 8);
});

test("a label replaces what it covers, also in the middle of another one, and leaves other faces alone", () => {
  const before = [label(1, 0, 10, "anger"), label(2, 0, 10, "fear")];
  assert.deepEqual(withLabel(before, label(1, 4, 5, "neutral")), [
    label(1, 0, 4, "anger"), label(1, 4, 5, "neutral"), label(1, 5, 10, "anger"), label(2, 0, 10, "fear"),
  ]);
  assert.deepEqual(without(before, label(1, 0, 10)), [label(2, 0, 10, "fear")]);
});

test("a moment has the answer of the label that covers its middle", () => {
  assert.equal(answerTo([label(1, 0.4, 1, "anger")], moments[0]), "anger");
  assert.equal(answerTo([label(1, 0.6, 1, "anger")], moments[0]), null);
});

test("the next moment without an answer is searched from a place on, then from the start", () => {
  const labels = [label(2, 0, 1, "fear")];
  assert.equal(nextOpen(moments, labels, 1), 2);
  assert.equal(nextOpen(moments, [...labels, label(1, 2, 3, "fear")], 2), 0);
  assert.equal(nextOpen(moments, [label(1, 0, 9, "fear"), ...labels], 0), -1);
});

test("the time left follows the median pace, and pauses do not count", () => {
  const at = (...seconds) => seconds.map((second) => second * 1000);
  assert.equal(timeLeft(at(0), 10, 6), 60);
  assert.equal(timeLeft(at(0, 2, 4, 6, 900, 902), 10, 6), 20);
});

test("labels of two windows are merged: each keeps its changes", () => {
  const base = [label(1, 0, 1, "anger"), label(1, 2, 3, "fear")];
  const stored = [label(1, 0, 1, "anger"), label(1, 2, 3, "sadness"), label(2, 0, 1, "neutral")];
  const own = [label(1, 2, 3, "fear"), label(2, 2, 3, "disgust")];
  assert.deepEqual(merged(stored, base, own), [label(1, 2, 3, "sadness"), label(2, 0, 1, "neutral"), label(2, 2, 3, "disgust")]);
});

test("answers go through the moments; the same answer again removes it", () => {
  const work = new Moments(draftOf());
  assert.equal(work.give("anger"), false);
  assert.equal(work.index, 1);
  work.move(-1);
  assert.equal(work.answer, "anger");
  work.give("anger");
  assert.equal(work.answer, null);
  for (const emotion of ["fear", "sadness"]) assert.equal(work.give(emotion), false);
  assert.equal(work.give("neutral"), true);
  assert.deepEqual([work.done, work.secondsLeft], [3, 0]);
});

test("a task goes on at the first moment without an answer", () => {
  assert.equal(new Moments(draftOf([label(1, 0, 1, "fear")])).index, 1);
});

test("a stretch holds from the playhead to the next label or the end of the face", () => {
  const draft = draftOf();
  const work = new Stretches(draft);
  work.give("anger", 2);
  work.give("fear", 5);
  work.give("neutral", 0);
  assert.deepEqual(draft.labels, [label(1, 0, 2, "neutral"), label(1, 2, 5, "anger"), label(1, 5, 10, "fear")]);
  work.clear(3);
  assert.equal(work.answerAt(3), null);
  assert.equal(work.give("fear", 10), false);
  assert.equal(Math.round(work.share * 10), 7);
});

/** A server that keeps labels by version and fails on demand. */
function serverOf(labels = []) {
  const server = { labels, version: 1, failures: [], puts: 0 };
  server.put = async (sent, version) => {
    server.puts += 1;
    const failure = server.failures.shift();
    if (failure) throw Object.assign(new Error(failure.code), failure);
    if (version && version !== String(server.version)) throw Object.assign(new Error("conflict"), { status: 412 });
    Object.assign(server, { labels: sent, version: server.version + 1 });
    return { labels: sent, version: String(server.version) };
  };
  server.get = async () => ({ labels: server.labels, version: String(server.version) });
  server.keep = () => {};
  return server;
}

test("changes are saved, and a conflict keeps both windows' labels", async () => {
  const server = serverOf();
  const draft = { ...draftOf(), version: "1" };
  const states = [];
  const saving = new Saving(draft, server, (state) => states.push(state));
  draft.labels = [label(1, 0, 1, "anger")];
  await saving.flush();
  assert.deepEqual(states, ["saving", "saved"]);
  server.labels = [...server.labels, label(2, 0, 1, "fear")];
  server.version += 1;
  draft.labels = withLabel(draft.labels, label(1, 2, 3, "sadness"));
  await saving.flush();
  assert.deepEqual(server.labels, [label(1, 0, 1, "anger"), label(1, 2, 3, "sadness"), label(2, 0, 1, "fear")]);
  assert.equal(saving.pending, false);
});

test("without a connection labels wait, and are saved by a later attempt", async () => {
  const server = serverOf();
  const draft = draftOf();
  const states = [];
  const saving = new Saving(draft, server, (state) => states.push(state));
  server.failures = [{ status: 0, code: "offline" }];
  draft.labels = [label(1, 0, 1, "anger")];
  await saving.flush();
  assert.deepEqual(states, ["saving", "waiting"]);
  assert.equal(saving.pending, true);
  await saving.flush();
  assert.equal(saving.pending, false);
});

test("a refusal that will not pass is shown and not repeated", async () => {
  const server = serverOf();
  const draft = draftOf();
  const states = [];
  const saving = new Saving(draft, server, (state, problem) => states.push(problem?.code ?? state));
  server.failures = [{ status: 422, code: "unknown_face" }];
  draft.labels = [label(9, 0, 1, "anger")];
  await saving.flush();
  assert.deepEqual(states, ["saving", "unknown_face"]);
  assert.equal(server.puts, 1);
});
