/** Server-sent events over connections that break; needs no service. */
import assert from "node:assert/strict";
import test from "node:test";
import { Duygu, hasCode } from "./client.mjs";

const url = "http://duygu.test";

/** A stream of these pieces of text, then an error if `broken`. */
function stream(pieces, broken = false) {
  const waiting = pieces.map((piece) => (typeof piece === "string" ? new TextEncoder().encode(piece) : piece));
  return new ReadableStream({
    pull(controller) {
      if (waiting.length) controller.enqueue(waiting.shift());
      else if (broken) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
}

/** A client whose fetch() gives these responses, and the requests it made. */
function scripted(...responses) {
  const requests = [];
  const fetch = async (address, { headers, method = "GET", signal }) => {
    signal?.throwIfAborted();
    requests.push({ method, path: address.slice(url.length), headers });
    const next = responses.shift();
    if (next instanceof Error) throw next;
    return typeof next === "function" ? next() : next;
  };
  return { service: new Duygu({ url: `${url}/`, fetch, retryMs: 2000 }), requests };
}

const problem = (status, code, headers = {}) =>
  new Response(JSON.stringify({ title: "a title", status, code, detail: "a detail" }), { status, headers: { "Content-Type": "application/problem+json", ...headers } });

async function collect(events) {
  const found = [];
  for await (const event of events) found.push(event);
  return found;
}

test("events are parsed wherever the stream is cut into pieces", async () => {
  const text = ': a comment\r\nretry: 1000\r\n\r\nid: 1\revent: queued\rdata: {}\r\rid: 2\nevent: window\ndata: {"face_id": 1,\ndata: "emotion": "\u00fc"}\n\nevent: ahead\ndata:{"ahead":3}\n\nid: 3\r\nevent: succeeded\r\ndata: {}\r\n\r\nid: 4\nevent: late\ndata: {}\n\n';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
    const { service } = scripted(new Response(stream(pieces)));
    assert.deepEqual(await collect(service.events("a")), [
      { id: "1", event: "queued", data: {} },
      { id: "2", event: "window", data: { face_id: 1, emotion: "\u00fc" } },
      { id: null, event: "ahead", data: { ahead: 3 } },
      { id: "3", event: "succeeded", data: {} },
    ]);
  }
});

test("after a broken connection events continue behind the last one", async () => {
  const { service, requests } = scripted(
    new Response(stream(["id: 1\nevent: queued\ndata: {}\n\n", "id: 2\nevent: sta"], true)),
    problem(503, "unavailable"),
    new TypeError("fetch failed"),
    new Response(stream(["id: 2\nevent: started\ndata: {}\n\nid: 3\nevent: failed\ndata: {}\n\n"])),
  );
  assert.deepEqual((await collect(service.events("a b"))).map(({ id }) => id), ["1", "2", "3"]);
  assert.deepEqual(requests.map(({ path }) => path), Array(4).fill("/v1/jobs/a%20b/events"));
  assert.deepEqual(requests.map(({ headers }) => headers.get("Last-Event-ID")), [null, "1", "1", "1"]);
});

test("204 ends the events of a job that ended before", async () => {
  const { service } = scripted(new Response(null, { status: 204 }));
  assert.deepEqual(await collect(service.events("a", { lastEventId: "9" })), []);
});

test("a signal ends the events, also during a pause", async () => {
  const { service } = scripted(new Response(stream([])), () => assert.fail("no request follows"));
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  await assert.rejects(collect(service.events("a", { signal: controller.signal })), (error) => error === reason);
});

test("only requests that may be repeated are repeated", async () => {
  const { service, requests } = scripted(Response.json({}), problem(503, "unavailable"), Response.json({ jobs: [] }), problem(503, "unavailable"));
  await service.call("GET /v1/model");
  assert.deepEqual(await service.call("GET /v1/jobs", { query: { limit: 3, cursor: null } }), { jobs: [] });
  await assert.rejects(service.call("POST /v1/jobs/{job_id}/edits", { path: { job_id: "a" }, body: { op: "exclude", face_id: 1 } }), hasCode("unavailable"));
  assert.deepEqual(requests.map(({ method, path }) => `${method} ${path}`), ["GET /v1/model", "GET /v1/jobs?limit=3", "GET /v1/jobs?limit=3", "POST /v1/jobs/a/edits"]);
});

test("a service that has never responded is not waited for", async () => {
  const { service, requests } = scripted(new TypeError("fetch failed"));
  await assert.rejects(service.call("GET /v1/model"), hasCode("unreachable"));
  assert.equal(requests.length, 1);
});

test("errors have the code, the status and the time of the service", async () => {
  const { service } = scripted(problem(429, "rate_limited", { "Retry-After": "7" }), new Response("<h1>hello", { status: 200, headers: { "Content-Type": "text/html" } }), new Response("<h1>no", { status: 404 }));
  await assert.rejects(service.call("GET /v1/model"), (error) => {
    assert.deepEqual([error.name, error.code, error.status, error.retryAfterS, error.message, error.title], ["DuyguError", "rate_limited", 429, 7, "a detail", "a title"]);
    return true;
  });
  await assert.rejects(service.result("a"), hasCode("not_duygu"));
  await assert.rejects(service.call("GET /v1/model"), hasCode("not_duygu"));
});

test("a path cannot be left, and an invalid URL is refused", async () => {
  const { service, requests } = scripted();
  for (const job_id of ["..", ".", "", undefined]) await assert.rejects(service.result(job_id), TypeError);
  assert.deepEqual(requests, []);
  assert.throws(() => new Duygu({ url: "ftp://a" }), TypeError);
  assert.throws(() => new Duygu({ url: "nonsense" }), TypeError);
});

test("a response that breaks is requested again", async () => {
  const { service, requests } = scripted(new Response(stream(['{"jobs"'], true), { headers: { "Content-Type": "application/json" } }), Response.json({ jobs: [] }));
  assert.deepEqual(await service.call("GET /v1/jobs"), { jobs: [] });
  assert.equal(requests.length, 2);
});
