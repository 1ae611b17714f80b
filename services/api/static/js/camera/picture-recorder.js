/** A recording of the camera, which stays in this browser. */

const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];
const BITS_PER_SECOND = 1_500_000; // an hour takes about 700 MB
const PIECE_MS = 1000;

/** @returns {boolean} whether the browser can record */
export const canRecord = () => "MediaRecorder" in window;

/** Records one stream. */
export class PictureRecorder {
  #pieces = [];
  #recorder;

  /** @param {MediaStream} stream */
  constructor(stream) {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    this.#recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#pieces.push(data));
    /** Resolves to when the recording began, in ms of performance.now(). */
    this.began = new Promise((resolve) => {
      this.#recorder.addEventListener("start", () => resolve(performance.now()), { once: true });
    });
    this.#recorder.start(PIECE_MS);
  }

  /**
   * End the recording.
   * @param {string} name without extension
   * @returns {Promise<File>}
   */
  async stop(name) {
    if (this.#recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => { this.#recorder.addEventListener("stop", resolve, { once: true }); });
      this.#recorder.stop();
      await stopped;
    }
    const type = this.#recorder.mimeType;
    return new File(this.#pieces, `${name}.${type.startsWith("video/mp4") ? "mp4" : "webm"}`, { type: type.split(";")[0] });
  }
}
