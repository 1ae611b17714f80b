import { type Connection, type Control, delay, FIRST_PAUSE_MS, MAX_PAUSE_MS } from "./connection.js";
import { DuyguError, jsonOf } from "./errors.js";
import type { ResumableUpload } from "./generated/api.js";

/** A file above this size is sent in parts. */
export const LARGE_BYTES = 20_000_000;

/** Proxies limit a request to 100 MB or less. */
const PART_BYTES = 16 * 1024 * 1024;

const TUS = { "Tus-Resumable": "1.0.0" };

/** Errors after which an upload continues from what has arrived. */
const TRANSIENT = new Set(["unavailable", "unreachable", "upload_locked", "offset_mismatch", "too_slow"]);

/** How a file is uploaded in parts. */
export interface UploadOptions extends Control {
  /** Continues this upload, of the same file. */
  uploadId?: string | undefined;
  /** Called with the id of a new upload, with which it can be continued later. */
  onUpload?: ((uploadId: string) => void) | undefined;
  /** Called with the number of bytes that have arrived, and of the whole file. */
  onProgress?: ((arrived: number, size: number) => void) | undefined;
  /** Maximum size of a part; 16 MiB by default. */
  partBytes?: number | undefined;
}

/**
 * Upload a file by the tus protocol, continuing after a lost connection; returns the id of the upload.
 * @throws {DuyguError} when no byte arrives for `retryMs`
 */
export async function uploadInParts(connection: Connection, file: Blob, options: UploadOptions = {}): Promise<string> {
  const { signal, onProgress, partBytes = PART_BYTES } = options;
  const { uploadId, path, start } = await begin(connection, file, options);
  onProgress?.(start, file.size);
  let [offset, progressed, pause] = [start, Date.now(), FIRST_PAUSE_MS];
  while (offset < file.size) {
    const before = offset;
    try {
      offset = await sendPart(connection, path, file.slice(offset, offset + partBytes), offset, signal);
    } catch (error) {
      if (!(error instanceof DuyguError) || !TRANSIENT.has(error.code) || Date.now() - progressed >= connection.retryMs) throw error;
      await delay(pause, signal);
      pause = Math.min(pause * 2, MAX_PAUSE_MS);
      ({ offset } = await stateOf(connection, path, signal));
    }
    if (offset > before) [progressed, pause] = [Date.now(), FIRST_PAUSE_MS];
    onProgress?.(offset, file.size);
  }
  return uploadId;
}

async function begin(connection: Connection, file: Blob, { uploadId, onUpload, signal }: UploadOptions) {
  if (uploadId !== undefined) {
    const path = `/v1/uploads/${encodeURIComponent(uploadId)}`;
    const { offset, length } = await stateOf(connection, path, signal);
    if (length !== file.size) throw new RangeError(`The upload ${uploadId} has ${length} bytes, the file ${file.size}`);
    return { uploadId, path, start: offset };
  }
  const headers = { ...TUS, "Upload-Length": String(file.size) };
  const lastPart = (response: Response) => response.headers.get("Location")?.split("/").pop() ?? "";
  const id = await connection.send("/v1/uploads", { method: "POST", headers }, lastPart, { signal, retry: true });
  onUpload?.(id);
  return { uploadId: id, path: `/v1/uploads/${id}`, start: 0 };
}

async function sendPart(connection: Connection, path: string, part: Blob, offset: number, signal: AbortSignal | undefined): Promise<number> {
  const headers = { ...TUS, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
  const arrived = (response: Response) => Number(response.headers.get("Upload-Offset"));
  return connection.send(path, { method: "PATCH", headers, body: part }, arrived, { signal });
}

async function stateOf(connection: Connection, path: string, signal: AbortSignal | undefined): Promise<ResumableUpload> {
  return (await connection.send(path, {}, jsonOf, { signal, retry: true })) as ResumableUpload;
}
