/** A service with API keys: DUYGU_URL and DUYGU_KEY. */
import assert from "node:assert/strict";
import test from "node:test";
import { Duygu, hasCode, SessionBroken, url } from "./client.mjs";

const key = process.env.DUYGU_KEY;

test("calls have the key", async () => {
  assert.deepEqual((await new Duygu({ url, key }).call("GET /v1/jobs")).jobs, []);
  await assert.rejects(new Duygu({ url }).call("GET /v1/jobs"), hasCode("unauthorized"));
});

test("sockets have the key", { skip: globalThis.WebSocket ? false : "this version of Node.js has no WebSocket" }, async () => {
  const session = await new Duygu({ url, key }).live();
  session.close();
  for await (const message of session) assert.equal(message.type, "session.closed");
  await assert.rejects(new Duygu({ url }).live(), (error) => error instanceof SessionBroken && error.code === "unauthorized");
});
