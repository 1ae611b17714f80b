/** An upload whose connections break: DUYGU_URL is a proxy that cuts them, and DUYGU_VIDEO the file. */
import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import test from "node:test";
import { Duygu, url } from "./client.mjs";

test("a file in parts arrives whole", async () => {
  const video = await openAsBlob(process.env.DUYGU_VIDEO);
  const control = { largeBytes: 1_000_000, partBytes: 150_000 };
  const result = await new Duygu({ url }).analyze(video, { max_faces: 2 }, control);
  assert.equal(result.video.sha256, process.env.DUYGU_SHA256);
});
