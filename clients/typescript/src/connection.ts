import { DuyguError, errorOf } from "./errors.js";

/** The address of a service and how to reach it. */
export interface ServiceOptions {
  /** URL of the service, with the path of a proxy if there is one; `http://127.0.0.1:8000` by default. */
  url?: string;
  /** API key, if the service has keys. */
  key?: string;
  /** Time for which a request is repeated while the service is unavailable, in milliseconds; 60 000 by default. */
  retryMs?: number;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Replaces the global `WebSocket`, which Node.js has from version 22 on. */
  WebSocket?: typeof globalThis.WebSocket;
}

/** How a call is made. */
export interface Control {
  /** Ends the call, which then throws the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** First pause before a repetition; each further pause doubles. */
export const FIRST_PAUSE_MS = 250;
export const MAX_PAUSE_MS = 4000;

const RETRY_MS = 60_000;

/** Codes of a connection that was open, in Node.js. Browsers do not tell. */
const BROKEN = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

const TRANSIENT = new Set(["unavailable", "unreachable"]);

/** Sends requests with the key, and repeats those that permit it. */
export class Connection {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string | undefined;
  readonly retryMs: number;
  readonly WebSocket: typeof globalThis.WebSocket | undefined;
  readonly #fetch: typeof globalThis.fetch;
  #reached = false;

  constructor({ url = "http://127.0.0.1:8000", key, retryMs = RETRY_MS, fetch, WebSocket }: ServiceOptions = {}) {
    const { protocol, origin, pathname } = new URL(url);
    if (protocol !== "http:" && protocol !== "https:") throw new TypeError(`The URL of a service begins with http:// or https://: ${url}`);
    this.url = origin + pathname.replace(/\/+$/, "");
    this.key = key;
    this.retryMs = retryMs;
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.WebSocket = WebSocket ?? globalThis.WebSocket;
  }

  /**
   * What `read` makes of a successful response, or of 304.
   *
   * With `retry` the request is repeated for `retryMs` while the service is unavailable. A service that has never
   * responded is not waited for: its address is wrong, or it does not run.
   *
   * @throws {DuyguError} for any other response, and without one
   */
  async send<T>(path: string, init: RequestInit, read: (response: Response) => T | Promise<T>, { signal, retry = false }: Control & { retry?: boolean } = {}): Promise<T> {
    const givenUp = Date.now() + this.retryMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        return await this.#send(path, init, read, signal);
      } catch (error) {
        if (!retry || !isTransient(error) || Date.now() >= givenUp || !this.#reached) throw error;
        await delay(Math.max(pause, (error.retryAfterS ?? 0) * 1000), signal);
      }
    }
  }

  async #send<T>(path: string, init: RequestInit, read: (response: Response) => T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const headers = new Headers(init.headers);
    if (this.key) headers.set("Authorization", `Bearer ${this.key}`);
    try {
      const response = await this.#fetch(this.url + path, { ...init, headers, signal: signal ?? null });
      this.#reached = true;
      if (response.ok || response.status === 304) return await read(response);
      throw await errorOf(response);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DuyguError) throw error;
      const { code, message } = causeOf(error);
      this.#reached ||= BROKEN.has(code ?? "");
      throw new DuyguError({ code: "unreachable", detail: `${this.url} does not respond: ${message}` }, { cause: error });
    }
  }
}

/** Reads nothing of a response yet. */
export const whole = (response: Response): Response => response;

/** Whether a request can succeed when it is repeated. */
export function isTransient(error: unknown): error is DuyguError {
  return error instanceof DuyguError && TRANSIENT.has(error.code);
}

/** Wait; ends with the reason of the signal when it is aborted. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(end, ms, resolve);
    const abort = () => end(() => reject(signal?.reason));
    function end(settle: () => void) {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      settle();
    }
    signal?.addEventListener("abort", abort);
  });
}

/** The reason of an error of fetch(), which Node.js tells as its cause. */
function causeOf(error: unknown): { code?: string; message: string } {
  const { cause } = error as Error;
  return cause instanceof Error && cause.message ? cause : (error as Error);
}
