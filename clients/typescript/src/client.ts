import { Connection, type Control, type ServiceOptions, whole } from "./connection.js";
import { DuyguError, isJson, jsonOf } from "./errors.js";
import { JobFollower, type JobEvent } from "./events.js";
import type { AnalysisOptions, ExportName, Job, Operations, PictureItem, PictureList, PictureResult, Result } from "./generated/api.js";
import { type LiveOptions, LiveSession } from "./live.js";
import { LARGE_BYTES, uploadInParts, type UploadOptions } from "./uploads.js";

/** A call of the service: a method and a path, as in its OpenAPI document. */
export type Operation = keyof Operations;

type Call<O extends Operation> = {} extends Operations[O]["arguments"]
  ? [input?: Operations[O]["arguments"], control?: Control]
  : [input: Operations[O]["arguments"], control?: Control];

/** A video: a file, or the link to one, `https://…` or `s3://…`, which the service fetches. */
export type Video = Blob | URL | string;

/** Options of a submission: those of the analysis, and those of the job. */
export interface SubmitOptions extends AnalysisOptions {
  /** Return an earlier job of the same file, if there is one. */
  reuse?: boolean;
  /** Also create an annotated video, the format `mp4` of the result. */
  annotate?: boolean;
  /** Also create the video with every face covered, the format `blurred` of the result. */
  blurred?: boolean;
  /** Finished job of the same file: the annotated video shows its faces with its edits. */
  edits_of?: string;
  /** URL that receives a signed message at the end of the job. */
  webhook_url?: string;
}

/** How a video is submitted. */
export interface SubmitControl extends Omit<UploadOptions, "uploadId"> {
  /** A file above this size is sent in parts, which continue after a lost connection; 20 MB by default. */
  largeBytes?: number | undefined;
}

/** How a video is submitted and its job followed. */
export interface AnalyzeControl extends SubmitControl {
  /** Called with each event of the job. */
  onEvent?: ((event: JobEvent) => void) | undefined;
}

/** Options of an analysis of pictures. */
export type PictureOptions = Pick<AnalysisOptions, "labels" | "min_face" | "max_faces">;

interface Parts {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  headers?: Record<string, unknown>;
  body?: unknown;
}

/** Methods of calls that are repeated while the service is unavailable, besides calls with an `Idempotency-Key`. */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);

/** A Duygu service. */
export class Duygu {
  readonly #connection: Connection;

  /** @throws {TypeError} for an invalid URL */
  constructor(options: ServiceOptions = {}) {
    this.#connection = new Connection(options);
  }

  /**
   * Make any call of the service.
   *
   * @returns the body of the response: an object for JSON, else a string or a Blob
   * @throws {DuyguError}
   */
  async call<O extends Operation>(operation: O, ...[input, control]: Call<O>): Promise<Operations[O]["response"]> {
    return (await this.#request(operation, bodyOf, input, control)) as Operations[O]["response"];
  }

  /** As `call`, with the whole response, such as its `ETag`. A response 304 is no error. */
  async request<O extends Operation>(operation: O, ...[input, control]: Call<O>): Promise<Response> {
    return this.#request(operation, whole, input, control);
  }

  /**
   * Submit a video, wait for the end of its job and return the result.
   *
   * Aborting the signal leaves the job as it is; `call("DELETE /v1/jobs/{job_id}", …)` stops and erases it.
   *
   * @throws {DuyguError} with the code of a job that failed
   */
  async analyze(video: Video, options: SubmitOptions = {}, control: AnalyzeControl = {}): Promise<Result> {
    const { job_id } = await this.submit(video, options, control);
    const { error } = await this.ended(job_id, control);
    if (error) throw new DuyguError(error);
    return this.result(job_id, control);
  }

  /** Submit a video; returns its job without waiting for the end. */
  async submit(video: Video, options: SubmitOptions = {}, control: SubmitControl = {}): Promise<Job> {
    const { reuse, annotate, blurred, edits_of, webhook_url, ...analysis } = options;
    const body = await this.#videoBody(video, analysis, control);
    const headers = { "idempotency-key": crypto.randomUUID(), "webhook-url": webhook_url ?? null };
    return this.call("POST /v1/videos", { query: defined({ reuse, annotate, blurred, edits_of }), headers, body }, control);
  }

  async #videoBody(video: Video, analysis: AnalysisOptions, control: SubmitControl) {
    if (!(video instanceof Blob)) return { ...analysis, url: String(video) };
    if (video.size > (control.largeBytes ?? LARGE_BYTES)) return { ...analysis, upload_id: await this.upload(video, control) };
    const form = formOf(analysis);
    form.append("video", video, "video");
    return form;
  }

  /** Upload a file in parts, continuing after a lost connection; returns the `upload_id` that `POST /v1/videos` takes. */
  upload(file: Blob, options: UploadOptions = {}): Promise<string> {
    return uploadInParts(this.#connection, file, options);
  }

  /** Wait for the end of a job and return it. */
  ended(jobId: string, { signal, onEvent }: Control & { onEvent?: ((event: JobEvent) => void) | undefined } = {}): Promise<Job> {
    return new JobFollower(this.#connection, jobId, { signal }).ended(onEvent);
  }

  /**
   * The events of a job as they happen, up to the last one. After a lost connection they continue after the last one
   * received.
   */
  events(jobId: string, options: Control & { lastEventId?: string | undefined } = {}): AsyncGenerator<JobEvent, void, void> {
    return new JobFollower(this.#connection, jobId, options).events();
  }

  /** The result of a job, with its edits. @throws {DuyguError} with the code of a job that failed */
  async result(jobId: string, control: Control = {}): Promise<Result> {
    const input = { path: { job_id: jobId }, query: { format: "json" } } as const;
    return (await this.#request("GET /v1/jobs/{job_id}/result", jsonOf, input, control)) as Result;
  }

  /** The result of a job in a format, such as `csv`. */
  async export(jobId: string, format: ExportName, control: Control = {}): Promise<Blob> {
    const input = { path: { job_id: jobId }, query: { format } };
    return this.#request("GET /v1/jobs/{job_id}/result", (response) => response.blob(), input, control);
  }

  /** The faces of a picture, from left to right. */
  async analyzePicture(picture: Blob, options: PictureOptions = {}, control: Control = {}): Promise<PictureResult> {
    return (await this.#pictures([picture], options, control)) as PictureResult;
  }

  /** The faces of several pictures: an item for each, with an `error` where one cannot be analysed. */
  async analyzePictures(pictures: readonly Blob[], options: PictureOptions = {}, control: Control = {}): Promise<PictureItem[]> {
    const [first] = pictures;
    if (!first) return [];
    const several = pictures.length > 1 ? pictures : [first, first]; // the response to one picture has another shape
    return ((await this.#pictures(several, options, control)) as PictureList).pictures.slice(0, pictures.length);
  }

  async #pictures(pictures: readonly Blob[], options: PictureOptions, { signal }: Control): Promise<unknown> {
    const form = formOf(options);
    for (const picture of pictures) form.append("picture", picture, "picture");
    return this.#connection.send("/v1/pictures", { method: "POST", body: form }, jsonOf, { signal, retry: true });
  }

  /** Open a live session. @throws {SessionBroken} if the service refuses it */
  live(options: LiveOptions = {}): Promise<LiveSession> {
    return LiveSession.open(this.#connection, options);
  }

  #request<T>(operation: Operation, read: (response: Response) => T | Promise<T>, input: object = {}, { signal }: Control = {}): Promise<T> {
    const { path = {}, query = {}, headers = {}, body }: Parts = input;
    const [method = "", template = ""] = operation.split(" ");
    const address = template.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, path[name]));
    const search = new URLSearchParams(texts(query));
    const sent = new Headers(texts(headers));
    const init: RequestInit = { method, headers: sent };
    if (body !== undefined) init.body = encoded(body, sent);
    const retry = REPEATABLE.has(method) || sent.has("Idempotency-Key");
    return this.#connection.send(search.size ? `${address}?${search}` : address, init, read, { signal, retry });
  }
}

/** The text of a path parameter. A browser would take a dot for another folder. */
function segment(name: string, value: unknown): string {
  const text = String(value ?? "");
  if (/^\.{0,2}$/.test(text)) throw new TypeError(`${name} is ${JSON.stringify(text)}, which is no part of a path`);
  return encodeURIComponent(text);
}

/** Names and texts of the values that are neither null nor undefined. */
function texts(values: Record<string, unknown>): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => (value == null ? [] : [[name, String(value)]]));
}

/** The members that are not undefined. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Options as the fields of a form. */
function formOf(options: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) {
    for (const one of Array.isArray(value) ? value : value == null ? [] : [value]) form.append(name, String(one));
  }
  return form;
}

/** A body for fetch(): JSON, unless it is a form or bytes, which fetch() sends as they are. */
function encoded(body: unknown, headers: Headers): BodyInit {
  const isBinary = body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
  if (isBinary || body instanceof FormData) {
    if (isBinary && !(body instanceof Blob && body.type) && !headers.has("Content-Type")) headers.set("Content-Type", "application/octet-stream");
    return body as BodyInit;
  }
  headers.set("Content-Type", "application/json");
  return JSON.stringify(body);
}

async function bodyOf(response: Response): Promise<unknown> {
  const type = response.headers.get("Content-Type") ?? "";
  if (response.status === 204 || response.status === 304 || !type) return undefined;
  if (isJson(response)) return response.json();
  return type.startsWith("text/") ? response.text() : response.blob();
}
