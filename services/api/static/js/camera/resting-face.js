/** The resting face of a live session: taken for three seconds, then accepted or refused by the service. Pure. */

/** Seconds for which the resting face is taken. */
export const TAKING_S = 3;

/** Time after the end of these seconds in which the result arrives, in ms. */
const RESULT_MS = 5000;

const REFUSALS = ["baseline_too_short", "baseline_no_face", "baseline_several_faces", "baseline_speaking", "baseline_unsupported"];
const EXPRESSIVE = "baseline_expressive";

/**
 * What the page says of the resting face.
 * `none`     there is none
 * `taking`   it is being taken
 * `known`    it was accepted
 * `refused`  `code` says why
 * `away`     the face left the picture, and another one of the same person has no resting face
 */
export class RestingFace {
  state = "none";
  code = null; // of a refusal, `lost` without a result
  faceId = null;
  expressive = false;
  #until = 0; // ms of performance.now()

  /** Begin to take it; `now` in ms. */
  begin(now) {
    Object.assign(this, { state: "taking", code: null, faceId: null, expressive: false });
    this.#until = now + TAKING_S * 1000;
  }

  /** Forget it, as when the session ends. */
  clear() {
    Object.assign(this, { state: "none", code: null, faceId: null, expressive: false });
  }

  /** Whole seconds that are left of the time in which it is taken. */
  left(now) {
    return Math.max(0, Math.ceil((this.#until - now) / 1000));
  }

  /**
   * Take a message of the session.
   * @param {object} message
   * @param {number} now in ms
   * @returns {boolean} whether something changed
   */
  take(message, now) {
    const { state } = this;
    if (message.type === "error" && state === "taking" && REFUSALS.includes(message.code)) this.#refuse(message.code);
    if (message.type === "result") this.#see(message);
    if (this.state === "taking" && now > this.#until + RESULT_MS) this.#refuse("lost");
    return this.state !== state;
  }

  #refuse(code) {
    Object.assign(this, { state: "refused", code });
  }

  #see({ faces, warnings = [] }) {
    const resting = faces.find((face) => face.baseline);
    if (this.state === "taking" && resting) {
      Object.assign(this, { state: "known", faceId: resting.face_id, expressive: warnings.some(({ code }) => code === EXPRESSIVE) });
    } else if (this.state === "known" && faces.length && !resting) this.state = "away";
    else if (this.state === "away" && resting) this.state = "known";
  }
}

/**
 * @param {object} face of a result
 * @returns {object} the face with its prediction relative to the resting face, where it has one
 */
export const relativeFace = (face) => (face.relative ? { ...face, ...face.relative } : face);
