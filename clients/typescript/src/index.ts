/** Client of a Duygu service, which turns video into a timeline of emotions for every face in it. */

export { Duygu } from "./client.js";
export type { AnalyzeControl, Operation, PictureOptions, SubmitControl, SubmitOptions, Video } from "./client.js";
export type { Control, ServiceOptions } from "./connection.js";
export { DuyguError, SessionBroken } from "./errors.js";
export type { ClientErrorCode } from "./errors.js";
export type { JobEvent } from "./events.js";
export type * from "./generated/api.js";
export type { ErrorCode } from "./generated/errors.js";
export type * as live from "./generated/live.js";
export type { FrameHeader, LiveOptions, LiveSession, SessionOptions } from "./live.js";
export type { UploadOptions } from "./uploads.js";
