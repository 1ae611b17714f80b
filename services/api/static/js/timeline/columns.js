/** A zoomed-out timeline: where a pixel covers several windows, columns show the share of time of each emotion. */

const NARROWEST_SPAN = 2.5; // pixels; spans that are narrower on average cannot be drawn one by one
const NARROWEST_COLUMN = 12; // pixels
const LENGTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]; // seconds of a column, for whole minutes and hours
const SPANS_PER_COLUMN = 5; // at least, on average: fewer would flicker instead of showing proportions

/**
 * @param {Iterable<Span[]>} spansOfFaces
 * @returns {number} mean length of a span in seconds; NaN without spans
 */
export function meanLength(spansOfFaces) {
  let seconds = 0;
  let count = 0;
  for (const spans of spansOfFaces) {
    count += spans.length;
    for (const { start, end } of spans) seconds += end - start;
  }
  return seconds / count;
}

/**
 * @param {number} mean length of a span in seconds
 * @param {number} scale pixels per second
 * @param {boolean} always whether columns are wanted where every span can be drawn by itself as well
 * @returns {number | null} seconds of a column, for example 15 or 60; null where every span can be drawn by itself
 */
export function columnLength(mean, scale, always = false) {
  if (!always && !(mean * scale < NARROWEST_SPAN)) return null;
  const least = Math.max(NARROWEST_COLUMN / scale, SPANS_PER_COLUMN * mean);
  return LENGTHS.find((length) => length >= least) ?? least;
}

/** Shares of the time of one face, in columns of `length` seconds counted from 0. */
export class Columns {
  #labels;
  #shares; // column by column: the certain share of each label, then the uncertain share of each

  constructor(spans, labels, length) {
    this.length = length;
    this.count = Math.ceil((spans.at(-1)?.end ?? 0) / length);
    this.#labels = labels;
    this.#shares = new Float32Array(this.count * 2 * labels.length);
    const rows = new Map(labels.map((label, i) => [label, i]));
    for (const { start, end, window } of spans) this.#add(start, end, rows.get(window.emotion) + (window.uncertain ? labels.length : 0));
  }

  #add(start, end, row) {
    const { length, count } = this;
    const last = Math.min(Math.floor(end / length), count - 1);
    for (let column = Math.floor(start / length); column <= last; column += 1) {
      const overlap = Math.min(end, (column + 1) * length) - Math.max(start, column * length);
      if (overlap > 0) this.#shares[column * 2 * this.#labels.length + row] += overlap / length;
    }
  }

  /** Share of a column that has a label for sure, or `uncertain`. The shares of a column sum to 1 without gaps. */
  share(column, label, uncertain) {
    const size = this.#labels.length;
    return this.#shares[column * 2 * size + label + (uncertain ? size : 0)];
  }

  /** What the column at a time holds: { start, end, parts: [emotion, share, uncertain] }. */
  at(time) {
    const column = Math.floor(time / this.length);
    const parts = [];
    const there = column >= 0 && column < this.count;
    for (const uncertain of there ? [false, true] : []) {
      this.#labels.forEach((emotion, label) => {
        const share = this.share(column, label, uncertain);
        if (share > 0) parts.push([emotion, share, uncertain]);
      });
    }
    return { start: column * this.length, end: (column + 1) * this.length, parts };
  }
}

/**
 * Columns of all faces together. A height is a share of the most faces that any column has on average, at least one: a share of
 * all faces would vanish in a video of many short ones.
 * @param {Columns[]} columns of each face, of one length
 * @param {string[]} labels
 * @returns {{ emotion: string, uncertain: boolean, height: number }[][]} the parts of each column with a height above 0, from below
 */
export function joined(columns, labels) {
  const count = columns.reduce((most, one) => Math.max(most, one.count), 0);
  const sums = new Float64Array(count * 2 * labels.length);
  const place = (column, label, uncertain) => (column * labels.length + label) * 2 + Number(uncertain);
  for (const one of columns) {
    for (let column = 0; column < one.count; column += 1) {
      for (let label = 0; label < labels.length; label += 1) {
        for (const uncertain of [false, true]) sums[place(column, label, uncertain)] += one.share(column, label, uncertain);
      }
    }
  }
  const of = (column) => [...sums.subarray(place(column, 0, false), place(column + 1, 0, false))];
  const all = Array.from({ length: count }, (_, column) => of(column));
  const most = all.reduce((high, parts) => Math.max(high, parts.reduce((sum, part) => sum + part, 0)), 1);
  return all.map((parts) =>
    parts.flatMap((sum, i) => (sum > 0 ? [{ emotion: labels[i >> 1], uncertain: i % 2 === 1, height: sum / most }] : [])));
}
