import type { Problem } from "./generated/api.js";
import type { ErrorCode } from "./generated/errors.js";

/**
 * Codes of errors that the service did not send:
 * `unreachable`: no response; `not_duygu`: the response is not one of a Duygu service.
 */
export type ClientErrorCode = "unreachable" | "not_duygu";

/** Statuses of a proxy whose upstream service is unavailable. */
const UNAVAILABLE = new Set([502, 503, 504]);

/** What a DuyguError is made of. */
export interface ErrorDetails {
  code: string;
  detail: string;
  title?: string;
  status?: number;
  retryAfterS?: number | null;
}

/** An error of the service, of a failed job or of the connection. `code` never changes; `message` is for people. */
export class DuyguError extends Error {
  override readonly name: string = "DuyguError";
  /** See docs/errors.md. A newer service may have further codes. */
  readonly code: ErrorCode | ClientErrorCode | (string & {});
  readonly title: string;
  /** HTTP status; 0 where no response has this error, as for a failed job. */
  readonly status: number;
  /** Seconds after which the request can be repeated; null if the service did not tell. */
  readonly retryAfterS: number | null;

  constructor({ code, detail, title = detail, status = 0, retryAfterS = null }: ErrorDetails, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.title = title;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** The service ended a live session. `code` is the reason: a code of an error, or `unreachable`. */
export class SessionBroken extends DuyguError {
  override readonly name = "SessionBroken";
  /** Close code of the socket; see docs/live.md. */
  readonly closeCode: number;

  constructor(closeCode: number, reason: string) {
    super({ code: reason || "unreachable", detail: `The session ended with close code ${closeCode}${reason && `: ${reason}`}` });
    this.closeCode = closeCode;
  }
}

/** The error of an unsuccessful response. */
export async function errorOf(response: Response): Promise<DuyguError> {
  const { status } = response;
  const retryAfterS = Number(response.headers.get("Retry-After") ?? NaN);
  const common = { status, retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : null };
  const problem = readProblem(await response.text().catch(() => ""));
  if (problem) return new DuyguError({ code: problem.code, detail: problem.detail, title: problem.title, ...common });
  return new DuyguError({ code: UNAVAILABLE.has(status) ? "unavailable" : "not_duygu", detail: foreign(response), ...common });
}

/** The JSON of a successful response. @throws {DuyguError} `not_duygu` for another one, such as the page of a proxy */
export async function jsonOf(response: Response): Promise<unknown> {
  if (isJson(response)) return response.json();
  throw new DuyguError({ code: "not_duygu", detail: foreign(response), status: response.status });
}

/** Whether a response has JSON. */
export function isJson(response: Response): boolean {
  return /^application\/json\b/.test(response.headers.get("Content-Type") ?? "");
}

function foreign({ url, status, statusText }: Response): string {
  return `${url} responded with ${status} ${statusText}, but is not a Duygu service`;
}

function readProblem(text: string): Problem | null {
  try {
    const problem = JSON.parse(text) as Problem | null;
    return typeof problem?.code === "string" && typeof problem.detail === "string" ? problem : null;
  } catch {
    return null;
  }
}
