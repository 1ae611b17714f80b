/** The answers of a rater: which moments are labelled, and the labels that the server stores. */

import { EMOTIONS } from "../common/emotions.js";

/** The answer of a rater who sees no clear expression. */
export const CANNOT_TELL = "cannot_tell";

/** Answers by key: 1 to 7 are the emotions, 0 is "cannot tell". */
export const ANSWER_KEYS = new Map([...EMOTIONS.map((emotion, i) => [String(i + 1), emotion]), ["0", CANNOT_TELL]]);

/**
 * @typedef {{ face_id: number, start_s: number, end_s: number }} Stretch
 * @typedef {Stretch & { emotion: string }} Label
 */

const overlaps = (one, other) => one.face_id === other.face_id && one.start_s < other.end_s && other.start_s < one.end_s;

const byFaceAndTime = (one, other) => one.face_id - other.face_id || one.start_s - other.start_s;

/**
 * Set a label, replacing what it covers: labels that it overlaps are shortened or split, and dropped where nothing remains.
 * @param {Label[]} labels of one rater, without overlaps
 * @param {Label} added
 * @returns {Label[]} in order of face and time
 */
export function withLabel(labels, added) {
  return [...without(labels, added), added].sort(byFaceAndTime);
}

/**
 * Remove a stretch from labels.
 * @param {Label[]} labels
 * @param {Stretch} stretch
 * @returns {Label[]}
 */
export function without(labels, stretch) {
  return labels.flatMap((label) => {
    if (!overlaps(label, stretch)) return [label];
    return [
      { ...label, end_s: Math.min(label.end_s, stretch.start_s) },
      { ...label, start_s: Math.max(label.start_s, stretch.end_s) },
    ].filter((part) => part.end_s > part.start_s);
  });
}

/**
 * The answer to a moment: that of the label which covers its middle.
 * @param {Label[]} labels
 * @param {Stretch} moment
 * @returns {string | null}
 */
export function answerTo(labels, moment) {
  return labelAt(labels, moment.face_id, (moment.start_s + moment.end_s) / 2)?.emotion ?? null;
}

/**
 * @param {Label[]} labels
 * @param {number} faceId
 * @param {number} time seconds
 * @returns {Label | null} the label of a face at a time
 */
export function labelAt(labels, faceId, time) {
  return labels.find((label) => label.face_id === faceId && label.start_s <= time && time < label.end_s) ?? null;
}

/**
 * The labels after another window or rater's page changed them on the server: the answers of this page win.
 * @param {Label[]} stored what the server has
 * @param {Label[]} base what this page last knew the server to have
 * @param {Label[]} own the labels of this page
 * @returns {Label[]}
 */
export function merged(stored, base, own) {
  const key = (label) => JSON.stringify([label.face_id, label.start_s, label.end_s, label.emotion]);
  const kept = new Set(own.map(key));
  const known = new Set(base.map(key));
  const removed = base.filter((label) => !kept.has(key(label)));
  const added = own.filter((label) => !known.has(key(label)));
  const rest = removed.reduce(without, stored);
  return added.reduce(withLabel, rest);
}

/**
 * The next moment without an answer, searched from a place on and then from the start.
 * @param {Stretch[]} moments
 * @param {Label[]} labels
 * @param {number} from index
 * @returns {number} index; -1 where every moment has an answer
 */
export function nextOpen(moments, labels, from) {
  const order = [...moments.keys()];
  return [...order.slice(from), ...order.slice(0, from)].find((i) => answerTo(labels, moments[i]) === null) ?? -1;
}

/** Answers from which the pace is estimated. */
const RECENT = 10;

/** A pause longer than this is not part of the pace, in ms. */
const PAUSE_MS = 60_000;

/**
 * Estimated time for the moments that are left.
 * @param {number[]} times of the answers so far, in ms since 1970
 * @param {number} left number of moments
 * @param {number} guess seconds for a moment while there are too few answers
 * @returns {number} seconds
 */
export function timeLeft(times, left, guess) {
  const recent = times.slice(-RECENT - 1);
  const gaps = recent.slice(1).map((time, i) => time - recent[i]).filter((gap) => gap < PAUSE_MS).sort((a, b) => a - b);
  const pace = gaps.length < 3 ? guess : gaps[Math.floor(gaps.length / 2)] / 1000;
  return left * pace;
}
