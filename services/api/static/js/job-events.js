/** What a running job tells, as it happens (server-sent events). */

import { eventsLink } from "./api.js";

const NAMES = ["queued", "started", "progress", "window"];
const LAST = ["succeeded", "failed", "cancelled"];

/** A browser keeps six connections to one server; the page itself needs some of them. */
const MOST_AT_ONCE = 3;

/** The first event is old news and comes at once, unless something between here and the server holds it back. */
const PATIENCE_MS = 4000;

let listening = 0;

/** Call `told(name, data)` for each event. Resolves to whether the last one was heard; else the job has to be asked. */
export async function listen(id, told) {
  if (listening >= MOST_AT_ONCE || !window.EventSource) return false;
  listening += 1;
  const source = new EventSource(eventsLink(id));
  try {
    return await heardOut(source, told);
  } finally {
    source.close();
    listening -= 1;
  }
}

function heardOut(source, told) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    const hear = (event) => {
      clearTimeout(timer);
      told(event.type, JSON.parse(event.data));
    };
    for (const name of NAMES) source.addEventListener(name, hear);
    for (const name of LAST) source.addEventListener(name, () => resolve(true));
    source.addEventListener("error", () => resolve(false));
  });
}
