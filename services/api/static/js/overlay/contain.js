/** `object-fit: contain` for canvases. */

/**
 * Where a picture lies in a frame of another shape, as CSS `object-fit: contain` places it.
 * @param {{ width: number, height: number }} inner
 * @param {{ width: number, height: number }} outer
 * @returns {{ scale: number, left: number, top: number }} in units of `outer`
 */
export function contain(inner, outer) {
  const scale = Math.min(outer.width / inner.width, outer.height / inner.height);
  return { scale, left: (outer.width - inner.width * scale) / 2, top: (outer.height - inner.height * scale) / 2 };
}
