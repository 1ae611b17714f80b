import type { Connection, Control } from "./connection.js";
import { SessionBroken } from "./errors.js";
import type { ClientMessage, Configure, ServerMessage, SessionCreated } from "./generated/live.js";

/** The options of a live session. */
export type SessionOptions = Omit<Configure, "type">;

/** How a live session is opened. */
export interface LiveOptions extends Control {
  /** Set before the first frame. */
  options?: SessionOptions | undefined;
}

/** A frame's own number and capture time, which its reply repeats. */
export interface FrameHeader {
  /** By default frames are counted from 1. */
  frame?: number;
  /** In seconds of any clock; must increase. By default the time of sending. */
  capturedAt?: number;
}

const HEADER_BYTES = 20;
const MAGIC = 0x44594755; // DYGU
const VERSION = 1;
const NORMAL = 1000;
const LOST = 1006;

/**
 * A live session: `send` pictures, and iterate to receive a reply for each, in their order.
 *
 * The iteration ends after `close()`, with `session.closed` as the last message. It throws SessionBroken when the
 * service ends the session, and the reason of the signal when that is aborted. Leaving it ends the session.
 */
export class LiveSession implements AsyncIterable<ServerMessage> {
  /** The first message: the id, the model and the limits of the session. */
  readonly created: SessionCreated;
  readonly #socket: WebSocket;
  readonly #inbox: Inbox;
  #frames = 0;

  private constructor(socket: WebSocket, inbox: Inbox, created: SessionCreated) {
    this.created = created;
    this.#socket = socket;
    this.#inbox = inbox;
  }

  /** Open a session. @throws {SessionBroken} if the service refuses it */
  static async open(connection: Connection, { options, signal }: LiveOptions = {}): Promise<LiveSession> {
    signal?.throwIfAborted();
    if (!connection.WebSocket) throw new TypeError("There is no WebSocket; Node.js has one from version 22 on, or pass one as an option");
    const protocols = connection.key ? ["duygu", `duygu.key.${connection.key}`] : [];
    const socket = new connection.WebSocket(`${connection.url.replace(/^http/, "ws")}/v1/stream`, protocols);
    const inbox = new Inbox(socket, signal);
    const session = new LiveSession(socket, inbox, await inbox.created());
    if (options) session.configure(options);
    return session;
  }

  /** Send a picture: JPEG, PNG or WebP. */
  send(picture: Blob | ArrayBuffer | Uint8Array<ArrayBuffer>, { frame, capturedAt = performance.now() / 1000 }: FrameHeader = {}): void {
    this.#frames += 1;
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, MAGIC);
    header.setUint8(4, VERSION);
    header.setUint32(8, frame ?? this.#frames);
    header.setBigUint64(12, BigInt(Math.round(capturedAt * 1e6)));
    this.#socket.send(new Blob([header, picture]));
  }

  /** Change the options from the next frame on; `session.configured` confirms them. */
  configure(options: SessionOptions): void {
    this.#write({ type: "session.configure", ...options });
  }

  /** End the session once each sent frame has its reply. */
  close(): void {
    this.#write({ type: "session.close" });
  }

  /** Bytes that wait to be sent: skip pictures of a camera while they grow. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  [Symbol.asyncIterator](): AsyncIterator<ServerMessage> {
    return this.#inbox;
  }

  #write(message: ClientMessage): void {
    this.#socket.send(JSON.stringify(message));
  }
}

/** The messages of a socket in the order of their arrival. */
class Inbox implements AsyncIterator<ServerMessage, undefined> {
  readonly #socket: WebSocket;
  readonly #messages: ServerMessage[] = [];
  #end: { error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(socket: WebSocket, signal: AbortSignal | undefined) {
    this.#socket = socket;
    const abort = () => {
      this.#finish(signal?.reason);
      socket.close();
    };
    signal?.addEventListener("abort", abort);
    socket.addEventListener("message", ({ data }) => {
      this.#messages.push(JSON.parse(data as string) as ServerMessage);
      this.#wake?.();
    });
    const end = (error: unknown) => {
      signal?.removeEventListener("abort", abort);
      this.#finish(error);
    };
    socket.addEventListener("close", ({ code, reason }) => {
      end(code === NORMAL && reason === "done" ? undefined : new SessionBroken(code, reason));
    });
    socket.addEventListener("error", () => end(new SessionBroken(LOST, ""))); // Node.js 20 sends no `close` after it
  }

  async next(): Promise<IteratorResult<ServerMessage, undefined>> {
    for (;;) {
      const value = this.#messages.shift();
      if (value) return { value, done: false };
      if (this.#end?.error) throw this.#end.error;
      if (this.#end) return { value: undefined, done: true };
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  /** The first message. An error precedes the end of a session that is refused. */
  async created(): Promise<SessionCreated> {
    for (;;) {
      const { value, done } = await this.next();
      if (done) throw new SessionBroken(NORMAL, "");
      if (value.type === "session.created") return value;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#finish(undefined);
    this.#socket.close();
    return { value: undefined, done: true };
  }

  #finish(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }
}
