/** Server-sent events of a running job, read by fetch() since EventSource cannot send a key. */

import { eventsLink } from "./client.js";
import { fetchWithKey } from "./key.js";

const LAST_EVENTS = new Set(["succeeded", "failed", "cancelled"]);

/** A browser keeps six connections per server, for all tabs; uploads and the page itself need some of them. */
const MAX_STREAMS = 2;

/** The first event is sent at once; a proxy that buffers the stream delays it. */
const FIRST_EVENT_MS = 4000;

let listening = 0;

/**
 * Follow the events of a job.
 * @param {string} id
 * @param {(name: string, data: object) => void} onEvent
 * @returns {Promise<boolean>} whether the last event has come; otherwise the job has to be polled
 */
export async function listen(id, onEvent) {
  if (listening >= MAX_STREAMS) return false;
  listening += 1;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), FIRST_EVENT_MS);
  try {
    const response = await fetchWithKey(eventsLink(id), { signal: controller.signal }, { insist: false });
    if (!response.ok || !response.body) return false;
    for await (const { name, data } of eventsIn(response.body)) {
      clearTimeout(timer);
      if (LAST_EVENTS.has(name)) return true;
      onEvent(name, data);
    }
    return false;
  } catch {
    return false; // the connection broke, or no event came: the caller polls instead
  } finally {
    clearTimeout(timer);
    controller.abort();
    listening -= 1;
  }
}

/** Parse a stream. @yields {{ name: string, data: object }} */
async function* eventsIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.has("data")) yield { name: fields.get("event"), data: JSON.parse(fields.get("data")) };
    }
  }
}
