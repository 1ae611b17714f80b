/** One live session: pictures go in, messages come out. docs/live.md describes what goes through the socket. */

import { subprotocols } from "../api/key.js";

const MAGIC = 0x44594755; // "DYGU"
const VERSION = 1;
const HEADER_BYTES = 20;

/**
 * A picture behind its header, as shared/live/header.py unpacks it.
 * @param {ArrayBuffer} picture JPEG, PNG or WebP
 * @param {number} number of the frame
 * @param {number} capturedMs capture time in ms of any clock
 * @returns {Uint8Array}
 */
export function pack(picture, number, capturedMs) {
  const message = new Uint8Array(HEADER_BYTES + picture.byteLength);
  const header = new DataView(message.buffer);
  header.setUint32(0, MAGIC);
  header.setUint8(4, VERSION);
  header.setUint32(8, number);
  header.setBigUint64(12, BigInt(Math.round(capturedMs * 1000)));
  message.set(new Uint8Array(picture), HEADER_BYTES);
  return message;
}

/** A live session over a WebSocket; docs/live.md describes the messages. */
export class CameraSession {
  #socket;
  #number = 0;
  #startMs = null; // capture time of the first frame that the service took, from which it counts seconds
  #sentAt = new Map(); // by frame number, for the latency as this page sees it

  /** `onMessage` gets every message, a result with `seen_ms`; `onEnd` the code of the reason, once; both also the session. */
  constructor({ onMessage, onEnd }) {
    const address = new URL("/v1/stream", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    let reason = "";
    this.#socket = new WebSocket(address, subprotocols());
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "error" && !message.recoverable) reason = message.code;
      if (this.#sentAt.has(message.frame)) {
        if (["result", "dropped"].includes(message.type)) this.#startMs ??= this.#sentAt.get(message.frame);
        message.seen_ms = performance.now() - this.#sentAt.get(message.frame);
        this.#sentAt.delete(message.frame);
      }
      onMessage(message, this);
    });
    this.#socket.addEventListener("close", (event) => onEnd(reason || event.reason || "offline", this));
  }

  get open() { return this.#socket.readyState === WebSocket.OPEN; }

  /** Number of frames without a reply. */
  get pending() { return this.#sentAt.size; }

  send(picture, capturedMs) {
    this.#number += 1;
    this.#sentAt.set(this.#number, capturedMs);
    this.#socket.send(pack(picture, this.#number, capturedMs));
  }

  /**
   * Take the face of the next seconds as the resting face.
   * @param {number} seconds
   * @param {number} now capture time in ms
   * @returns {boolean} whether the message was sent; false before the first reply, as the time of the session starts with it
   */
  rest(seconds, now) {
    if (!this.open || this.#startMs === null) return false;
    const start = (now - this.#startMs) / 1000;
    this.#socket.send(JSON.stringify({ type: "session.configure", baseline: `${start.toFixed(3)}-${(start + seconds).toFixed(3)}` }));
    return true;
  }

  close() {
    if (this.open) this.#socket.send(JSON.stringify({ type: "session.close" }));
    else this.#socket.close();
  }
}
