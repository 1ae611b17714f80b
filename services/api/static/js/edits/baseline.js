/** Resting faces of edited faces, by the rules of shared/baselines and shared/workbench/edits/baselines.py. Pure. */

const OTHER = "other";
const NEUTRAL = "neutral";
const UNUSABLE = ["gap", "padded"];
const BORDER_S = 0.05; // by which a window may exceed a stretch
const SPEAKS = 0.5; // mean probability of speaking from which a resting face is doubtful
const DECIMALS = 4;

const sum = (values) => values.reduce((total, value) => total + value, 0);
const rounded = (value, digits = DECIMALS) => Number(value.toFixed(digits));

/**
 * @param {{ labels: string[], relative?: object | null }} model of a result
 * @returns {object | null} the layer for relative predictions; null where the model has none, or one with other labels
 */
export function layerOf({ labels, relative }) {
  if (!relative) return null;
  const { candidates } = relative;
  if (!labels.every((label) => label === OTHER || candidates.includes(label))) return null;
  return labels.includes(OTHER) || candidates.every((label) => labels.includes(label)) ? relative : null;
}

const outputOf = (window, layer) => (window.relative_logits?.length === layer.labels.length ? window.relative_logits : null);

const outputsOf = (windows, layer) => windows.map((window) => outputOf(window, layer)).filter(Boolean);

/** The windows inside one of the spans that have ten crops without a gap. */
const within = (windows, spans) =>
  windows.filter(({ start_s: start, end_s: end, flags }) =>
    !UNUSABLE.some((flag) => flags.includes(flag)) && spans.some(([from, to]) => from - BORDER_S <= start && end <= to + BORDER_S));

const meanOf = (rows) => rows[0].map((_, column) => sum(rows.map((row) => row[column])) / rows.length);

/**
 * A resting face: the mean output of the layer over its windows, and codes of doubts about one that an edit chose.
 * @typedef {{ mean: number[], doubts: string[] }} Resting
 */

/**
 * @param {object} face of the computed result
 * @param {object | null} layer
 * @returns {Resting | null} null without a baseline, or without what joining faces needs of it
 */
export function restingOf(face, layer) {
  const recorded = face.baseline?.recording;
  if (recorded && layer) return { mean: recorded.logits, doubts: [] };
  const rows = face.baseline && layer ? outputsOf(within(face.windows, face.baseline.spans), layer) : [];
  return rows.length ? { mean: meanOf(rows), doubts: [] } : null;
}

/**
 * @param {object} face
 * @param {[number, number]} span in seconds
 * @param {object | null} layer
 * @param {(code: string, reason: string, values?: object) => Error} refusal
 * @returns {{ resting: Resting, baseline: object }}
 * @throws {Error} the refusal of a stretch that cannot be a resting face
 */
export function chosenResting(face, [start, end], layer, refusal) {
  requireOutputs(face, layer, refusal);
  const windows = within(face.windows, [[start, end]]);
  if (!windows.length) {
    const seen = face.positions.some(({ time_s: time }) => start <= time && time <= end);
    if (!seen) throw refusal("baseline_no_face", "span_outside", { start: face.start_s, end: face.end_s });
    throw refusal("baseline_too_short", "baseline_too_short");
  }
  const resting = { mean: meanOf(outputsOf(windows, layer)), doubts: doubtsAbout(windows) };
  const spans = windows.map((window) => [window.start_s, window.end_s]);
  return { resting, baseline: { source: "span", spans, windows: windows.length, recording: null } };
}

function requireOutputs(face, layer, refusal) {
  if (!layer || outputsOf(face.windows, layer).length < face.windows.length) throw refusal("baseline_unsupported", "baseline_unsupported");
}

/**
 * @param {object} face
 * @param {object} recording as GET /v1/jobs/{id}/baseline describes it
 * @param {object | null} layer
 * @param {string} sha256 of the model of the result
 * @param {(code: string, reason: string) => Error} refusal
 * @returns {{ resting: Resting, baseline: object }}
 * @throws {Error} the refusal of a recording by another model
 */
export function recordedResting(face, recording, layer, sha256, refusal) {
  const fits = recording.model_sha256 === sha256 && recording.logits.length === layer?.labels.length;
  if (!fits) throw refusal("baseline_unsupported", "baseline_other_model");
  requireOutputs(face, layer, refusal);
  return {
    resting: { mean: recording.logits, doubts: [...recording.doubts].sort() },
    baseline: { source: "recording", spans: [], windows: recording.windows, recording },
  };
}

/** Doubts about a resting face of these windows. */
function doubtsAbout(windows) {
  const speaking = windows.map((window) => window.speaking ?? null).filter((value) => value !== null);
  const speaks = speaking.length > 0 && sum(speaking) / speaking.length >= SPEAKS;
  const expressive = windows.filter(({ emotion, uncertain }) => !uncertain && ![NEUTRAL, OTHER].includes(emotion));
  return [...(speaks ? ["baseline_speaking"] : []), ...(2 * expressive.length > windows.length ? ["baseline_expressive"] : [])];
}

/**
 * @param {object[]} windows
 * @param {number[]} mean output of the layer over the baseline
 * @param {object} layer
 * @param {string[]} reported the keys of `probabilities`
 * @returns {object[]} the windows with predictions relative to the baseline
 */
export const withPredictions = (windows, mean, layer, reported) =>
  windows.map((window) => {
    const output = outputOf(window, layer);
    return output ? { ...window, relative: predictionOf(output, mean, layer, reported) } : window;
  });

/** The prediction for the output of a window, as shared/baselines/predictions.py computes it. */
function predictionOf(output, mean, { labels, candidates, bias, temperature, uncertain_below: below }, reported) {
  const scaled = new Map(labels.map((label, i) => [label, (output[i] - mean[i] + bias[i]) / temperature]));
  const shares = softmax(new Map(candidates.map((label) => [label, scaled.get(label)])));
  const strongest = strongestOf(shares);
  const rest = sum([...shares].filter(([label]) => !reported.includes(label)).map(([, share]) => share));
  shares.set(OTHER, rounded(rest));
  const emotion = reported.includes(strongest) ? strongest : OTHER;
  return {
    emotion,
    confidence: shares.get(emotion),
    probabilities: Object.fromEntries(reported.map((label) => [label, shares.get(label)])),
    uncertain: softmax(scaled).get(strongest) < below,
  };
}

const strongestOf = (shares) => [...shares].reduce((best, one) => (one[1] > best[1] ? one : best))[0];

/** Probabilities by label, rounded to values that still sum to one. */
function softmax(logits) {
  const highest = Math.max(...logits.values());
  const weights = [...logits].map(([label, value]) => [label, Math.exp(value - highest)]);
  const total = sum(weights.map(([, weight]) => weight));
  const shares = new Map(weights.map(([label, weight]) => [label, rounded(weight / total)]));
  const strongest = strongestOf(shares);
  shares.set(strongest, rounded(shares.get(strongest) + 1 - sum([...shares.values()])));
  return shares;
}
