/** Changes of edits on their way to the server: order, lost responses, other windows, refusals. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const { EditQueue } = await import("../../../services/api/static/js/edits/edit-queue.js");

const named = (id, name) => ({ op: "rename", face_id: id, name });
const problem = (status, code) => Object.assign(new Error(code), { status, code });

/** The edits of one job, as the service keeps them. `faults` are thrown by the next calls; `lose` responses are lost on their way. */
class Server {
  saved = { version: 0, edits: [] };
  faults = [];
  lose = 0;

  async getEdits() {
    if (this.faults.length) throw this.faults.shift();
    return this.saved;
  }

  addEdit = (id, edit, version) => this.#change(version, [...this.saved.edits, edit]);
  undoEdit = (id, version) => this.#change(version, this.saved.edits.slice(0, -1));

  async #change(version, edits) {
    await null;
    if (this.faults.length) throw this.faults.shift();
    if (version !== this.saved.version) throw problem(412, "edit_conflict");
    this.saved = { version: version + 1, edits };
    if (this.lose-- > 0) throw problem(0, "offline");
    return this.saved;
  }
}

let server;
let stored;
let pauses;

function queueOf(saved = server.saved, pause = async (ms) => { pauses.push(ms); }) {
  const queue = new EditQueue("j", saved, {
    server,
    store: (id, unsent) => { stored = JSON.parse(JSON.stringify(unsent)); },
    pause,
  });
  queue.heard = [];
  for (const name of ["refused", "replaced"]) queue.addEventListener(name, (event) => queue.heard.push(event));
  return queue;
}

const idle = async (queue) => {
  for (let turns = 0; turns < 100 && queue.unsent; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

beforeEach(() => {
  server = new Server();
  stored = null;
  pauses = [];
});

test("edits show at once and reach the server in order", async () => {
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  queue.add(named(2, "Bo"));
  assert.deepEqual(queue.edits, [named(1, "Ann"), named(2, "Bo")]);
  assert.equal(queue.state, "saving");
  await queue.settled();
  assert.equal(queue.state, "saved");
  assert.deepEqual(server.saved, { version: 2, edits: [named(1, "Ann"), named(2, "Bo")] });
});

test("undo removes the last edit, and redo adds it again", async () => {
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  await queue.settled();
  queue.undo();
  assert.deepEqual(queue.edits, []);
  await queue.settled();
  assert.deepEqual(server.saved, { version: 2, edits: [] });
  queue.redo();
  await queue.settled();
  assert.deepEqual(server.saved, { version: 3, edits: [named(1, "Ann")] });
  assert.deepEqual(queue.undone, []);
});

test("an edit that was not sent yet is undone without the server", async () => {
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  queue.add(named(2, "Bo"));
  queue.undo();
  await queue.settled();
  assert.deepEqual(server.saved, { version: 1, edits: [named(1, "Ann")] });
  assert.deepEqual(queue.undone, [named(2, "Bo")]);
});

test("a new edit ends redoing", async () => {
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  queue.undo();
  queue.add(named(1, "Bo"));
  assert.deepEqual(queue.undone, []);
  await queue.settled();
  assert.deepEqual(server.saved.edits, [named(1, "Bo")]);
});

test("without a response a change is sent again, after growing pauses", async () => {
  server.faults = [problem(0, "offline"), problem(503, "unavailable")];
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  await queue.settled();
  assert.equal(queue.state, "retrying");
  assert.equal(stored.waiting.length, 1);
  await idle(queue);
  assert.deepEqual(pauses, [1000, 2000]);
  assert.deepEqual(server.saved.edits, [named(1, "Ann")]);
  assert.equal(stored.waiting.length, 0);
});

test("a change whose response was lost is not made twice", async () => {
  server.lose = 1;
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  queue.add(named(2, "Bo"));
  await idle(queue);
  assert.deepEqual(server.saved, { version: 2, edits: [named(1, "Ann"), named(2, "Bo")] });
  assert.deepEqual(queue.heard, []);
});

test("edits of another window replace this one's, which are handed back", async () => {
  const queue = queueOf();
  server.saved = { version: 4, edits: [named(1, "Cleo")] };
  queue.add(named(1, "Ann"));
  await queue.settled();
  assert.deepEqual(queue.edits, [named(1, "Cleo")]);
  const [{ type, before, lost, undos }] = queue.heard;
  assert.deepEqual({ type, before, lost, undos }, { type: "replaced", before: [], lost: [named(1, "Ann")], undos: false });
  queue.add(lost[0]);
  await queue.settled();
  assert.deepEqual(server.saved, { version: 5, edits: [named(1, "Cleo"), named(1, "Ann")] });
});

test("an undo never removes an edit of another window that this one has not shown", async () => {
  server.saved = { version: 1, edits: [named(1, "Ann")] };
  const queue = queueOf();
  server.saved = { version: 2, edits: [named(1, "Ann"), named(2, "Cleo")] };
  queue.undo();
  await queue.settled();
  assert.deepEqual(server.saved.edits, [named(1, "Ann"), named(2, "Cleo")]);
  assert.deepEqual(queue.heard[0].undos, true);
});

test("a refused edit is dropped, and the later ones are sent", async () => {
  server.faults = [problem(409, "faces_overlap")];
  const queue = queueOf();
  queue.add({ op: "merge", face_id: 1, into: 2 });
  queue.add(named(1, "Ann"));
  await queue.settled();
  assert.equal(queue.heard[0].problem.code, "faces_overlap");
  assert.deepEqual(server.saved.edits, [named(1, "Ann")]);
});

test("edits wait for a key, and for a second attempt with it", async () => {
  server.faults = [problem(401, "unauthorized")];
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  await queue.settled();
  assert.equal(queue.state, "stopped");
  assert.equal(queue.unsent, 1);
  queue.retry();
  await queue.settled();
  assert.deepEqual(server.saved.edits, [named(1, "Ann")]);
});

test("a key that may not change a job loses only what was not saved", async () => {
  server.faults = [problem(403, "forbidden")];
  const queue = queueOf();
  queue.add(named(1, "Ann"));
  queue.add(named(2, "Bo"));
  await queue.settled();
  assert.deepEqual(queue.edits, []);
  assert.equal(queue.heard.length, 1);
});

test("changes that an earlier visit could not send are sent by the next", async () => {
  const first = queueOf(server.saved, () => new Promise(() => {}));
  server.faults = [problem(0, "offline")];
  first.add(named(1, "Ann"));
  await first.settled();
  const kept = stored;
  const second = queueOf();
  second.resume(kept);
  assert.deepEqual(second.edits, [named(1, "Ann")]);
  await second.settled();
  assert.deepEqual(server.saved.edits, [named(1, "Ann")]);
});

test("changes of an earlier visit are handed back where another window was there since", async () => {
  server.saved = { version: 3, edits: [named(2, "Cleo")] };
  const queue = queueOf();
  queue.resume({ saved: { version: 1, edits: [] }, waiting: [{ edit: named(1, "Ann") }] });
  assert.deepEqual(queue.edits, [named(2, "Cleo")]);
  assert.deepEqual(queue.heard[0].lost, [named(1, "Ann")]);
});

test("a refresh takes over what another window did", async () => {
  const queue = queueOf();
  await queue.refresh();
  assert.deepEqual(queue.heard, []);
  server.saved = { version: 1, edits: [named(1, "Cleo")] };
  await queue.refresh();
  assert.deepEqual(queue.edits, [named(1, "Cleo")]);
  assert.deepEqual(queue.heard[0].lost, []);
});
