/** The client against a running service: DUYGU_URL, with a video at DUYGU_VIDEO and a picture of one face at DUYGU_PICTURE. */
import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import test from "node:test";
import { Duygu, hasCode, SessionBroken, url } from "./client.mjs";

const service = new Duygu({ url });
const video = await openAsBlob(process.env.DUYGU_VIDEO);
const picture = await openAsBlob(process.env.DUYGU_PICTURE);
const live = { skip: globalThis.WebSocket ? false : "this version of Node.js has no WebSocket" };

test("a video becomes a result, and its events are told", async () => {
  const names = [];
  const result = await service.analyze(video, { max_faces: 3, labels: ["happiness", "sadness"] }, { onEvent: ({ event }) => names.push(event) });
  assert.equal(result.faces.length, 1);
  assert.deepEqual(Object.keys(result.faces[0].probabilities).sort(), ["happiness", "other", "sadness"]);
  assert.ok(names.includes("window"));
  assert.equal(names.at(-1), "succeeded");

  const job = await service.call("GET /v1/jobs/{job_id}", { path: { job_id: result.job_id } });
  assert.deepEqual([job.status, job.options.max_faces], ["succeeded", 3]);
  assert.match(await (await service.export(job.job_id, "csv")).text(), /^face_id,/);
  const response = await service.request("GET /v1/jobs/{job_id}", { path: { job_id: job.job_id } });
  const unchanged = await service.request("GET /v1/jobs/{job_id}", { path: { job_id: job.job_id }, headers: { "if-none-match": response.headers.get("ETag") } });
  assert.equal(unchanged.status, 304);

  const edits = await service.call("POST /v1/jobs/{job_id}/edits", { path: { job_id: job.job_id }, body: { op: "rename", face_id: 1, name: "Ann" } });
  assert.equal(edits.version, 1);
  assert.equal((await service.result(job.job_id)).faces[0].name, "Ann");
  assert.equal(await service.call("DELETE /v1/jobs/{job_id}", { path: { job_id: job.job_id } }), undefined);
  await assert.rejects(service.result(job.job_id), hasCode("job_not_found"));
});

test("a file in parts becomes a job, and continues where it was interrupted", async () => {
  const controller = new AbortController();
  let uploadId;
  const interrupted = service.upload(video, {
    partBytes: Math.ceil(video.size / 4),
    signal: controller.signal,
    onUpload: (id) => { uploadId = id; },
    onProgress: (arrived) => { if (arrived) controller.abort(new Error("enough")); },
  });
  await assert.rejects(interrupted, /enough/);
  const arrived = [];
  assert.equal(await service.upload(video, { uploadId, onProgress: (bytes) => arrived.push(bytes) }), uploadId);
  assert.ok(arrived[0] > 0 && arrived.at(-1) === video.size, String(arrived));
  await assert.rejects(service.upload(new Blob(["another file"]), { uploadId }), RangeError);

  const job = await service.call("POST /v1/videos", { body: { upload_id: uploadId, end_s: 1 } });
  assert.equal((await service.ended(job.job_id)).status, "succeeded");
  const result = await service.analyze(video, {}, { largeBytes: 1000 });
  assert.equal((await service.call("GET /v1/uploads/{upload_id}", { path: { upload_id: result.job_id } })).offset, video.size);
});

test("pictures have faces, or an error each", async () => {
  const one = await service.analyzePicture(picture, { labels: ["happiness"] });
  assert.equal(one.faces[0].emotion, "happiness");
  const found = await service.analyzePictures([picture, new Blob(["no picture"])]);
  assert.deepEqual(found.map(({ faces, error }) => error?.code ?? faces.length), [1, "not_a_picture"]);
  assert.equal((await service.analyzePictures([picture])).length, 1);
  assert.deepEqual(await service.analyzePictures([]), []);
  const bytes = await picture.arrayBuffer();
  assert.equal((await service.call("POST /v1/pictures", { body: bytes, query: { max_faces: 1 } })).faces.length, 1);
});

test("a refusal has the code of the service", async () => {
  await assert.rejects(service.analyze(new Blob(["hello"])), hasCode("not_a_video"));
  await assert.rejects(service.analyze(new Blob([])), hasCode("empty_file"));
  await assert.rejects(service.analyze("http://127.0.0.1:1/a.mp4"), hasCode("link_refused"));
  await assert.rejects(service.analyze(video, { min_face: 7 }), hasCode("invalid_min_face"));
  await assert.rejects(service.submit(video, {}, { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  await assert.rejects(new Duygu({ url: "http://127.0.0.1:1" }).call("GET /v1/model"), hasCode("unreachable"));
});

test("a live session replies to each picture", live, async () => {
  const session = await service.live({ options: { max_faces: 2 } });
  assert.equal(session.created.version, "1");
  for (let i = 0; i < 3; i++) session.send(picture, { capturedAt: i / 10 });
  session.send(new Blob(["no picture"]), { frame: 99, capturedAt: 1 });
  session.close();
  const messages = [];
  for await (const message of session) messages.push(message);
  const types = messages.map(({ type }) => type);
  assert.deepEqual([types[0], types.at(-1), types.length], ["session.configured", "session.closed", 6]);
  const replies = messages.slice(1, -1);
  assert.deepEqual(replies.map(({ seq }) => seq), [1, 2, 3, 4]);
  assert.deepEqual([replies[3].type, replies[3].code, replies[3].frame], ["error", "not_a_picture", 99]);
  assert.deepEqual(messages.at(-1).totals.frames, 4);
});

test("a signal ends a live session, and leaving the loop does", live, async () => {
  const controller = new AbortController();
  const session = await service.live({ signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 20);
  await assert.rejects(session[Symbol.asyncIterator]().next(), /enough/);
  const left = await service.live();
  left.send(picture);
  for await (const message of left) {
    assert.equal(message.type, "result");
    break;
  }
  await assert.rejects(new Duygu({ url: "http://127.0.0.1:1" }).live(), (error) => error instanceof SessionBroken && error.code === "unreachable");
});
