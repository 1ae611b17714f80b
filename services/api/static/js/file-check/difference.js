/** Cheap checks whether two files are the same. */

const SAME_S = 1; // players and decoders disagree by less than this about a duration
const SAME_PIXELS = 2; // the same for picture sizes, which non-square pixels make fractional

/**
 * The first difference between two files, cheapest check first. Unknown values are not compared.
 * @typedef {{ sizeBytes?: number, width?: number, height?: number, duration?: number }} FileFacts bytes, pixels, seconds
 * @param {FileFacts} chosen
 * @param {FileFacts} analysed
 * @returns {"size" | "picture" | "length" | null}
 */
export function differenceOf(chosen, analysed) {
  const differ = (name, tolerance) => Math.abs(chosen[name] - analysed[name]) > tolerance; // false for undefined and NaN
  if (differ("sizeBytes", 0)) return "size";
  if (differ("width", SAME_PIXELS) || differ("height", SAME_PIXELS)) return "picture";
  if (differ("duration", SAME_S)) return "length";
  return null;
}
