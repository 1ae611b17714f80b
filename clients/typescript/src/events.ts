import { type Connection, type Control, delay, FIRST_PAUSE_MS, MAX_PAUSE_MS, whole } from "./connection.js";
import { jsonOf } from "./errors.js";
import type { Job, JobError, Window, Work } from "./generated/api.js";

/** An event of a job. `id` continues the stream after this event; `ahead` and the end of an erased job have none. */
export type JobEvent = { id: string | null } & (
  | { event: "queued" | "started" | "succeeded"; data: object }
  | { event: "ahead"; data: { ahead: number | null } }
  | { event: "fetching"; data: { fetched_bytes: number; size_bytes: number | null } }
  | { event: "fetched"; data: { size_bytes: number; sha256: string } }
  | { event: "progress"; data: Work & { progress: number | null } }
  | { event: "window"; data: Window & { face_id: number } }
  | { event: "failed"; data: JobError }
  | { event: "cancelled"; data: { code: string } }
);

/** The last event of a job is one of these. */
const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** The service sends a comment every two seconds; a silent stream is one that broke, or that a proxy holds back. */
const SILENCE_MS = 60_000;

/** Follows the events of a job, and continues after the last one when the connection is lost. */
export class JobFollower {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  #lastId: string;
  #pause = FIRST_PAUSE_MS;

  constructor(connection: Connection, jobId: string, { signal, lastEventId = "" }: Control & { lastEventId?: string | undefined } = {}) {
    this.#connection = connection;
    this.#path = `/v1/jobs/${encodeURIComponent(jobId)}`;
    this.#signal = signal;
    this.#lastId = lastEventId;
  }

  /** Yield all events up to the last one. */
  async *events(): AsyncGenerator<JobEvent, void, void> {
    while (!(yield* this.#connect())) await this.#wait();
  }

  /** The job when it has ended. Where events are held back, the job is polled. */
  async ended(onEvent: ((event: JobEvent) => void) | undefined): Promise<Job> {
    for (;;) {
      for await (const event of this.#connect()) onEvent?.(event);
      const job = (await this.#connection.send(this.#path, {}, jsonOf, { signal: this.#signal, retry: true })) as Job;
      if (job.ended_at) return job;
      await this.#wait();
    }
  }

  /** Yield events until the connection is lost; returns whether the last one was among them. */
  async *#connect(): AsyncGenerator<JobEvent, boolean, void> {
    const headers = { Accept: "text/event-stream", ...(this.#lastId && { "Last-Event-ID": this.#lastId }) };
    const response = await this.#connection.send(`${this.#path}/events`, { headers }, whole, { signal: this.#signal, retry: true });
    if (!response.body) return response.status === 204;
    try {
      for await (const { id, event, data } of messagesIn(response.body)) {
        if (id) [this.#lastId, this.#pause] = [id, FIRST_PAUSE_MS];
        yield { id: id || null, event, data: JSON.parse(data) } as JobEvent;
        if (FINAL.has(event)) return true;
      }
    } catch {
      this.#signal?.throwIfAborted();
    }
    return false;
  }

  async #wait(): Promise<void> {
    await delay(this.#pause, this.#signal);
    this.#pause = Math.min(this.#pause * 2, MAX_PAUSE_MS);
  }
}

/** Parse server-sent events, as the HTML standard describes them. */
export async function* messagesIn(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string; event: string; data: string }> {
  let [id, event, data] = ["", "", [] as string[]];
  for await (const line of linesIn(body)) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "id") id = value;
    else if (field === "event") event = value;
    else if (field === "data") data.push(value);
    if (line) continue;
    if (data.length) yield { id, event: event || "message", data: data.join("\n") };
    [id, event, data] = ["", "", []];
  }
}

async function* linesIn(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (let text = ""; ; ) {
      const { value, done } = await soon(reader.read());
      if (done) return;
      const lines = (text + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    reader.cancel().catch(() => {}); // the connection may be gone
  }
}

/** The next piece of a stream; throws after SILENCE_MS without one. */
async function soon<T>(piece: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the stream is silent")), SILENCE_MS);
  });
  return Promise.race([piece, silence]).finally(() => clearTimeout(timer));
}
