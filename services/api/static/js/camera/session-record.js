/** What a live session has found, as a result that POST /v1/jobs takes. Pure: neither page nor network. */

/** Half of the last decimal of a probability, in place of one that was rounded to 0; as shared/workbench/edits/overall.py has it. */
const SMALLEST = 5e-5;

const rounded = (value, digits) => Number(value.toFixed(digits));
const seconds = (value) => rounded(Math.max(value, 0), 3);

/**
 * Probabilities of a face from those of its windows: the softmax of the mean logits, as shared/workbench/edits/overall.py computes them.
 * @param {{ probabilities: Record<string, number> }[]} windows
 * @param {{ labels: string[], temperatures: { window: number, face: number } | null }} model
 * @returns {Record<string, number>} they sum to 1
 */
export function overall(windows, { labels, temperatures }) {
  const ratio = temperatures ? temperatures.window / temperatures.face : 1;
  const meanOf = (label) => windows.reduce((sum, { probabilities }) => sum + Math.log(Math.max(probabilities[label] ?? 0, SMALLEST)), 0) / windows.length;
  const means = labels.map(meanOf);
  const weights = means.map((mean) => Math.exp(ratio * (mean - Math.max(...means))));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => rounded(weight / total, 4));
  const strongest = shares.indexOf(Math.max(...shares));
  shares[strongest] = rounded(shares[strongest] + 1 - shares.reduce((sum, share) => sum + share, 0), 4);
  return Object.fromEntries(labels.map((label, i) => [label, shares[i]]));
}

/** Collects the messages of the sessions of one visit; a session that reconnects counts its faces and its time anew. */
export class SessionRecord {
  /** Time 0 of the result, in ms of performance.now(). */
  began;

  #model = null;
  #size = null;
  #frames = 0;
  #faces = new Map(); // by id in the result
  #before = 0; // highest id of the sessions before this one
  #origin = null; // time 0 of this session in seconds of performance.now()

  /** @param {number} began ms of performance.now() */
  constructor(began) {
    this.began = began;
  }

  /** @returns {object[]} faces that have a window */
  get faces() { return [...this.#faces.values()].filter(({ windows }) => windows.length); }

  /** Take a message of the session. */
  take(message) {
    if (message.type === "session.created") this.#open(message.model);
    else if (message.type === "result") this.#add(message);
    else if (message.type === "session.closed") message.faces?.forEach((face) => this.#extend(face));
  }

  #open(model) {
    this.#model = model;
    this.#before = Math.max(0, ...this.#faces.keys());
    this.#origin = null;
  }

  #add({ captured_at: captured, width, height, faces }) {
    this.#frames += 1;
    this.#size ??= { width, height };
    const newest = faces.flatMap(({ positions }) => positions).at(-1);
    if (newest) this.#origin ??= captured - newest.time_s;
    faces.forEach((face) => this.#extend(face));
  }

  #extend({ face_id: id, baseline = null, windows = [], positions = [] }) {
    if (this.#origin === null) return;
    const own = this.#before + id;
    if (!this.#faces.has(own)) this.#faces.set(own, { face_id: own, windows: [], positions: [], baseline: null });
    const face = this.#faces.get(own);
    const at = (time) => time + this.#origin;
    if (baseline) face.baseline = { ...baseline, spans: baseline.spans.map((span) => span.map(at)) };
    for (const window of windows) face.windows.push({ ...window, start_s: at(window.start_s), end_s: at(window.end_s) });
    for (const position of positions) face.positions.push({ ...position, time_s: at(position.time_s) });
  }

  /**
   * @param {{ ended: number, sha256: string | null, name: string | null }} about end in ms of performance.now(); of the recording
   * @returns {object | null} the result; null where no face has a window
   */
  result({ ended, sha256, name }) {
    const faces = this.faces.filter(({ positions }) => positions.length).map((face) => this.#finished(face));
    if (!faces.length) return null;
    const last = Math.max(...faces.map((face) => face.end_s));
    const duration = Math.max(seconds((ended - this.began) / 1000), last);
    return {
      schema_version: "2",
      job_id: null,
      model: this.#model,
      video: { duration_s: duration, ...this.#size, rotation: 0, frames_decoded: this.#frames, frames_analysed: this.#frames, name, sha256 },
      faces,
      analysed_at: new Date().toISOString(),
    };
  }

  /** The face with times from the start of the recording; two pictures at the same time, as before the start, count once. */
  #finished(face) {
    const at = (time) => seconds(time - this.began / 1000);
    const windows = face.windows
      .map((window) => ({ ...window, start_s: at(window.start_s), end_s: at(window.end_s) }))
      .sort((one, other) => one.start_s - other.start_s);
    const positions = face.positions
      .map((position) => ({ ...position, time_s: at(position.time_s) }))
      .filter(({ time_s: time }, i, all) => i === 0 || time > all[i - 1].time_s);
    const baseline = face.baseline ? { ...face.baseline, spans: face.baseline.spans.map((span) => span.map(at)) } : null;
    const probabilities = overall(windows, this.#model);
    const [[emotion, confidence]] = Object.entries(probabilities).sort((one, other) => other[1] - one[1]);
    const span = { start_s: positions[0].time_s, end_s: positions.at(-1).time_s };
    return { face_id: face.face_id, ...span, emotion, confidence, probabilities, baseline, windows, positions };
  }
}
