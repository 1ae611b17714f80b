/**
 * Faces that may be the same person, from place, size, time and takes alone: docs/adr/0075-suggest-joins-without-identification.md.
 * No picture is looked at, so this cannot recognise anybody. Pure.
 */

import { firstMeeting } from "../edits/editing.js";

/** A face counts as away between two positions further apart than this, in seconds. */
const AWAY_S = 1;

/** One face follows another within NEXT_S at nearly the same place, or within TAKE_S, after another take, at the same place. */
const NEXT_S = 3;
const TAKE_S = 60;

/** Distance of two centres in sides of a face, plus how far it may move in a second while out of sight; ratio of two sides. */
const NEXT = { distance: 0.5, perSecond: 0.5, ratio: 1.4 };
const TAKE = { distance: 0.35, perSecond: 0, ratio: 1.25 };

/** A face that is visible this long before and after a time, in seconds, shows that no take ends there. */
const CUT_S = 0.3;

/** Suggestions at most: more would not be read. */
const MOST = 50;

const known = new WeakMap(); // visits by the positions that they are of

/** The times without a gap in which a face is visible, with its first and its last box. */
function visitsOf(face) {
  if (!known.has(face.positions)) known.set(face.positions, findVisits(face.positions));
  return known.get(face.positions);
}

function findVisits(positions) {
  const visits = [];
  let first = positions[0];
  positions.forEach((position, i) => {
    const next = positions[i + 1];
    if (next && next.time_s - position.time_s <= AWAY_S) return;
    visits.push({ start: first.time_s, end: position.time_s, first: first.box, last: position.box });
    first = next;
  });
  return visits;
}

const sideOf = ([, , width, height]) => Math.sqrt(width * height);
const centreOf = ([left, top, width, height]) => [left + width / 2, top + height / 2];

/** Distance of two boxes in their mean side, and the ratio of their sides, at least 1. */
function compare(one, other) {
  const [a, b] = [sideOf(one), sideOf(other)];
  const [[x, y], [u, v]] = [centreOf(one), centreOf(other)];
  return { distance: Math.hypot(x - u, y - v) / ((a + b) / 2), ratio: Math.max(a / b, b / a) };
}

const within = ({ distance, ratio }, limits, gap) => distance <= limits.distance + limits.perSecond * gap && ratio <= limits.ratio;

/** How one visit may continue another, or null. A lower `score` is more likely. */
function continuation(before, after, isCut) {
  const gap = after.start - before.end;
  const likeness = compare(before.last, after.first);
  const score = likeness.distance + 2 * (likeness.ratio - 1);
  if (gap <= NEXT_S && within(likeness, NEXT, gap)) return { kind: "next", gap, score: score + gap / NEXT_S };
  if (within(likeness, TAKE, gap) && isCut(before.end) && isCut(after.start)) return { kind: "take", gap, score: score + 1 + gap / TAKE_S };
  return null;
}

/**
 * Pairs of faces that may be one person, most likely first. Each end of a face is continued by one other at most.
 * @param {object[]} faces of a result
 * @param {[number, number][]} separated pairs of faces that a person has marked as different people; they are not suggested
 * @returns {{ face_id: number, into: number, kind: "next" | "take", gap: number, at: number }[]} `into` is seen first; at: when the
 *   other one appears, in seconds
 */
export function suggestions(faces, separated = []) {
  const visits = faces
    .filter((face) => !face.excluded && face.positions.length)
    .flatMap((face) => visitsOf(face).map((visit) => ({ ...visit, face })))
    .sort((a, b) => a.start - b.start);
  const isCut = (time) => visits.every(({ start, end }) => start > time - CUT_S || end < time + CUT_S);
  const found = visits.flatMap((before) => continuations(before, visits, isCut)).sort((a, b) => a.score - b.score);
  return chosen(found, new Set(separated.map(([one, other]) => pairOf(one, other))));
}

function continuations(before, visits, isCut) {
  const found = [];
  for (const after of visits) {
    if (after.start > before.end + TAKE_S) break;
    if (after.start <= before.end || after.face === before.face) continue;
    const how = continuation(before, after, isCut);
    if (how) found.push({ before, after, ...how });
  }
  return found;
}

const pairOf = (one, other) => `${Math.min(one, other)}-${Math.max(one, other)}`;

/** The best that do not contradict each other, what is visible or a split. */
function chosen(found, separated) {
  const used = new Set();
  const pairs = new Map();
  for (const { before, after, kind, gap } of found) {
    const key = pairOf(before.face.face_id, after.face.face_id);
    if (used.has(before.last) || used.has(after.first) || pairs.has(key) || separated.has(key)) continue;
    if (firstMeeting(before.face, after.face) !== null) continue;
    used.add(before.last).add(after.first);
    const [into, face] = before.face.start_s <= after.face.start_s ? [before.face, after.face] : [after.face, before.face];
    pairs.set(key, { face_id: face.face_id, into: into.face_id, kind, gap, at: after.start });
    if (pairs.size === MOST) break;
  }
  return [...pairs.values()];
}
