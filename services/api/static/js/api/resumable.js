/** Uploads in parts by the tus protocol, which continue after a lost connection, and after a reload once the file is chosen again. */

import { fetchOrOffline, OFFLINE, parsed, Problem, submitVideo } from "./client.js";
import { authorization } from "./key.js";

/** A larger file is sent in parts. */
export const LARGE_BYTES = 20_000_000;

/** Proxies limit a request to 100 MB or less. */
const PART_BYTES = 16 * 1024 * 1024;

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8000;

/** After so long without a byte an upload fails; it can be repeated and then continues. */
const GIVE_UP_MS = 120_000;

const ROOM = "/v1/uploads";
const TUS = { "Tus-Resumable": "1.0.0" };

/** Where the addresses of uploads are stored, by file. */
const STORED = "duygu.parts";

const isTransient = ({ status }) => [0, 408, 409, 423, 429].includes(status) || status >= 500;

const fingerprint = ({ name, size, lastModified }) => `${name} ${size} ${lastModified}`;

function recallAddresses() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    return {};
  }
}

/** Store the address of a file's upload; null forgets it. */
function storeAddress(file, address) {
  const { [fingerprint(file)]: _, ...others } = recallAddresses();
  try {
    localStorage.setItem(STORED, JSON.stringify(address ? { ...others, [fingerprint(file)]: address } : others));
  } catch {
    // without storage the upload continues after a lost connection, not after a reload
  }
}

/** The state of an upload; null for one that does not exist any more. */
async function stateOf(address) {
  const response = await fetchOrOffline(address);
  if (response.status === 404) return null;
  const state = parsed(await response.text(), response.status);
  if (!response.ok) throw new Problem(state);
  return state;
}

async function create(file) {
  const response = await fetchOrOffline(ROOM, { method: "POST", headers: { ...TUS, "Upload-Length": String(file.size) } });
  if (!response.ok) throw new Problem(parsed(await response.text(), response.status));
  const address = response.headers.get("Location");
  storeAddress(file, address);
  return { address, offset: 0 };
}

/** The upload of a file: that of an earlier attempt, or a new one. */
async function begin(file) {
  const address = recallAddresses()[fingerprint(file)];
  const state = address ? await stateOf(address) : null;
  return state ? { address, offset: state.offset } : create(file);
}

/** Send a part; an XMLHttpRequest, since fetch() does not report the progress of an upload. */
function sendPart(file, { address, offset }, { signal, onProgress }) {
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.upload.addEventListener("progress", ({ loaded }) => onProgress(Math.min((offset + loaded) / file.size, 1)));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else reject(new Problem(parsed(request.responseText, request.status)));
    });
    request.addEventListener("error", () => reject(new Problem(OFFLINE)));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    request.open("PATCH", address);
    const headers = { ...TUS, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream", ...authorization() };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(file.slice(offset, offset + PART_BYTES));
  });
}

/** Wait before the next attempt, or until the browser has a network again. */
function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Where to continue after a failure. */
async function arrived(upload) {
  try {
    return (await stateOf(upload.address))?.offset ?? upload.offset;
  } catch (error) {
    if (!isTransient(error)) throw error;
    return upload.offset;
  }
}

async function sendParts(file, upload, options) {
  let wait = FIRST_PAUSE_MS;
  for (let progressed = Date.now(); upload.offset < file.size;) {
    const before = upload.offset;
    try {
      upload.offset = await sendPart(file, upload, options);
    } catch (error) {
      if (!isTransient(error) || Date.now() - progressed > GIVE_UP_MS) throw error;
      await pause(wait);
      options.signal.throwIfAborted();
      wait = Math.min(wait * 2, MAX_PAUSE_MS);
      upload.offset = await arrived(upload);
    }
    if (upload.offset > before) [progressed, wait] = [Date.now(), FIRST_PAUSE_MS];
  }
}

/**
 * Upload a large file and submit it. A cancelled upload is erased from the server.
 * @param {File} file
 * @param {{ annotate: boolean, editsOf?: string | null, onProgress: (share: number) => void, signal: AbortSignal }} options as for `upload`
 * @returns {Promise<object>} the job
 * @throws {Problem}
 */
export async function uploadInParts(file, options) {
  const upload = await begin(file);
  try {
    options.onProgress(upload.offset / file.size);
    await sendParts(file, upload, options);
    const job = await submitVideo({ upload_id: upload.address.split("/").pop() }, options);
    storeAddress(file, null);
    return job;
  } catch (error) {
    if (error.name === "AbortError") fetchOrOffline(upload.address, { method: "DELETE", headers: TUS }).catch(() => {});
    if (error.name === "AbortError" || error.status === 404 || error.status === 415) storeAddress(file, null);
    throw error;
  }
}
