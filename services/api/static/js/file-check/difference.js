/** Whether a chosen file is the one that was analysed. */

const SAME_S = 1; // players and decoders differ by less about the length of a file
const SAME_PIXELS = 2; // the same for the size of its pictures, which pixels that are not square make fractional

/**
 * What tells a chosen file from the analysed one, cheapest first: "size", "picture", "length", or null. `chosen` and
 * `analysed` have sizeBytes, width, height (pixels) and duration (seconds); what is unknown of either is not compared.
 */
export function differenceOf(chosen, analysed) {
  const differ = (name, tolerance) => Math.abs(chosen[name] - analysed[name]) > tolerance; // false for undefined and NaN
  if (differ("sizeBytes", 0)) return "size";
  if (differ("width", SAME_PIXELS) || differ("height", SAME_PIXELS)) return "picture";
  if (differ("duration", SAME_S)) return "length";
  return null;
}
